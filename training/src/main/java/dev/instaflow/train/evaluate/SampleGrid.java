package dev.instaflow.train.evaluate;

import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The picture that a training run shows its progress with: the same captions and seeds each time, a caption a
 * row, the true pictures at its beginning. On white, as a PNG.
 *
 * @param captions chosen before the run, by a rule
 * @param truths the true pictures of each caption, of the size that the model draws; possibly none
 * @param seeds columns: seeds 0 to {@code seeds - 1}
 */
public record SampleGrid(List<String> captions, List<List<Pixels>> truths, int seeds) {
    private static final int GAP = 4;

    /** Checks the counts. */
    public SampleGrid {
        captions = List.copyOf(captions);
        truths = List.copyOf(truths);
        if (captions.isEmpty() || truths.size() != captions.size() || seeds < 1) {
            throw new IllegalArgumentException(
                    "a grid of %d captions, true pictures of %d, and %d seeds"
                            .formatted(captions.size(), truths.size(), seeds));
        }
    }

    /**
     * Draws the grid.
     *
     * @param painter the model as it is now
     * @param manner how it is asked
     * @return one picture
     */
    public Pixels draw(Painter painter, Manner manner) {
        List<List<Pixels>> drawn = painter.draw(captions, seeds, manner);
        int truthColumns = truths.stream().mapToInt(List::size).max().orElse(0);
        List<List<Pixels>> rows = new ArrayList<>();
        for (int i = 0; i < captions.size(); i++) {
            Pixels sample = drawn.get(i).get(0);
            List<Pixels> row = new ArrayList<>(truths.get(i));
            while (row.size() < truthColumns) {
                row.add(blank(sample));
            }
            row.addAll(drawn.get(i));
            rows.add(row);
        }
        return PictureSheet.of(rows, GAP, PictureSheet.Background.WHITE);
    }

    /** Keeps the columns of samples together where a caption has fewer true pictures than others. */
    private static Pixels blank(Pixels like) {
        return Pixels.of(like.width(), like.height(), new byte[like.width() * like.height() * 4]);
    }

    /**
     * Draws the grid to a file, which is there whole or not at all.
     *
     * @param png replaced if it exists
     * @param painter the model as it is now
     * @param manner how it is asked
     * @throws IOException if it cannot be written
     */
    public void write(Path png, Painter painter, Manner manner) throws IOException {
        ImageFile.writePng(png, draw(painter, manner), Map.of());
    }
}
