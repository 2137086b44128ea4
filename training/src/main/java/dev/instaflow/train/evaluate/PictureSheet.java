package dev.instaflow.train.evaluate;

import dev.instaflow.image.Pixels;
import java.util.Arrays;
import java.util.List;

/** Many pictures put together in one, in rows and columns. */
public final class PictureSheet {
    private static final int CHANNELS = 4;

    /** What is behind and between the pictures. */
    public enum Background {
        /** Nothing. */
        TRANSPARENT,
        /** White, which shows through where pictures are transparent. */
        WHITE
    }

    private PictureSheet() {}

    /**
     * Puts pictures together.
     *
     * @param rows of pictures, all of one size; rows may have fewer than the longest, and none
     * @param gap pixels between them
     * @param background what is behind them
     * @return RGBA
     */
    public static Pixels of(List<List<Pixels>> rows, int gap, Background background) {
        Pixels first =
                rows.stream()
                        .flatMap(List::stream)
                        .findFirst()
                        .orElseThrow(() -> new IllegalArgumentException("a sheet of no pictures"));
        int columns = rows.stream().mapToInt(List::size).max().orElseThrow();
        int width = columns * (first.width() + gap) - gap;
        int height = rows.size() * (first.height() + gap) - gap;
        byte[] sheet = new byte[Math.multiplyExact(Math.multiplyExact(width, height), CHANNELS)];
        if (background == Background.WHITE) {
            Arrays.fill(sheet, (byte) 0xff);
        }
        for (int r = 0; r < rows.size(); r++) {
            for (int c = 0; c < rows.get(r).size(); c++) {
                Pixels picture = rows.get(r).get(c);
                if (picture.width() != first.width() || picture.height() != first.height()) {
                    throw new IllegalArgumentException(
                            "a sheet of pictures of %dx%d and %dx%d"
                                    .formatted(
                                            first.width(),
                                            first.height(),
                                            picture.width(),
                                            picture.height()));
                }
                int x = c * (first.width() + gap);
                int y = r * (first.height() + gap);
                copy(picture, sheet, (y * width + x) * CHANNELS, width * CHANNELS, background);
            }
        }
        return Pixels.of(width, height, sheet);
    }

    private static void copy(
            Pixels picture, byte[] sheet, int offset, int rowBytes, Background background) {
        byte[] bytes = picture.toBytes();
        int c = picture.channels();
        for (int i = 0; i < picture.width() * picture.height(); i++) {
            int alpha = c == CHANNELS ? bytes[i * c + 3] & 0xff : 0xff;
            int to = offset + i / picture.width() * rowBytes + i % picture.width() * CHANNELS;
            for (int k = 0; k < 3; k++) {
                int colour = bytes[i * c + k] & 0xff;
                sheet[to + k] =
                        (byte)
                                (background == Background.WHITE
                                        ? (colour * alpha + 0xff * (0xff - alpha) + 127) / 0xff
                                        : colour);
            }
            sheet[to + 3] = (byte) (background == Background.WHITE ? 0xff : alpha);
        }
    }
}
