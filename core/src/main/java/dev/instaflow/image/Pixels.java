package dev.instaflow.image;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;

/**
 * An 8-bit image in memory, RGB or RGBA with straight alpha, row by row from the top. Immutable: no
 * method hands out its array.
 */
public final class Pixels {
    /** Below this a pixel is invisible, and its colour cannot be told from rounding errors. */
    private static final float LEAST_ALPHA = 1f / 255;

    private final int width;
    private final int height;
    private final int channels;
    private final byte[] bytes;

    private Pixels(int width, int height, int channels, byte[] bytes) {
        this.width = width;
        this.height = height;
        this.channels = channels;
        this.bytes = bytes;
    }

    /**
     * An image of given bytes.
     *
     * @param width columns
     * @param height rows
     * @param bytes {@code [height,width,C]} with C 3 or 4, copied
     * @return the image
     * @throws IllegalArgumentException if the count fits neither 3 nor 4 channels
     */
    public static Pixels of(int width, int height, byte[] bytes) {
        long area = (long) width * height;
        if (area <= 0 || bytes.length != 3 * area && bytes.length != 4 * area) {
            throw new IllegalArgumentException(
                    "%d bytes are not a %dx%d image of 3 or 4 channels"
                            .formatted(bytes.length, width, height));
        }
        return new Pixels(width, height, (int) (bytes.length / area), bytes.clone());
    }

    /**
     * The image that a decoder's output stands for: {@code round((clamp(x/2 + 1/2, 0, 1)) * 255)}, half
     * to even, as diffusers has it. Premultiplied colour is divided by alpha; where alpha is at most
     * 1/255 the pixel becomes transparent black.
     *
     * @param format what the channels mean
     * @param width columns
     * @param height rows
     * @param image [height,width,C], nominally -1..1
     * @return the image
     */
    public static Pixels fromDecoder(ColorFormat format, int width, int height, float[] image) {
        int rowLength = width * format.channels();
        if (image.length != (long) rowLength * height) {
            throw new IllegalArgumentException(
                    "%d values are not a %dx%d %s image"
                            .formatted(image.length, width, height, format));
        }
        return fromDecoder(
                format,
                width,
                height,
                (y, row) -> System.arraycopy(image, y * rowLength, row, 0, rowLength));
    }

    /** A decoder's output, row by row, so that it need not stand on the heap as a whole. */
    @FunctionalInterface
    public interface Rows {
        /**
         * Copies a row.
         *
         * @param y from the top
         * @param row [width,C], receives the values
         */
        void read(int y, float[] row);
    }

    /**
     * As {@link #fromDecoder(ColorFormat, int, int, float[])}, row by row.
     *
     * @param format what the channels mean
     * @param width columns
     * @param height rows
     * @param rows asked for each row once, from the top, always with the same array
     * @return the image
     */
    public static Pixels fromDecoder(ColorFormat format, int width, int height, Rows rows) {
        int c = format.channels();
        float[] row = new float[Math.multiplyExact(width, c)];
        byte[] bytes = new byte[Math.multiplyExact(row.length, height)];
        for (int y = 0; y < height; y++) {
            rows.read(y, row);
            writeRow(row, c, bytes, y * row.length);
        }
        return new Pixels(width, height, c, bytes);
    }

    private static void writeRow(float[] row, int c, byte[] bytes, int to) {
        for (int at = 0; at < row.length; at += c) {
            float alpha = c == 4 ? unit(row[at + 3]) : 1;
            for (int i = 0; i < 3; i++) {
                float colour = alpha > LEAST_ALPHA ? Math.min(1, unit(row[at + i]) / alpha) : 0;
                bytes[to + at + i] = (byte) (int) Math.rint(colour * 255);
            }
            if (c == 4) {
                bytes[to + at + 3] = (byte) (int) Math.rint(alpha * 255);
            }
        }
    }

    private static float unit(float x) {
        return Math.min(1, Math.max(0, x / 2 + 0.5f));
    }

    /**
     * What the encoder sees of this image. RGB models see transparent images on white; RGBA models see
     * RGB images as opaque.
     *
     * @param format what the channels mean
     * @return [height,width,C], -1..1
     */
    public float[] toEncoder(ColorFormat format) {
        int c = format.channels();
        float[] image = new float[width * height * c];
        for (int pixel = 0; pixel < width * height; pixel++) {
            float alpha = channels == 4 ? (bytes[pixel * 4 + 3] & 0xff) / 255f : 1;
            for (int i = 0; i < 3; i++) {
                float colour = (bytes[pixel * channels + i] & 0xff) / 255f * alpha;
                float seen = c == 4 ? colour : colour + 1 - alpha;
                image[pixel * c + i] = seen * 2 - 1;
            }
            if (c == 4) {
                image[pixel * c + 3] = alpha * 2 - 1;
            }
        }
        return image;
    }

    /**
     * The brightness of each pixel, for masks; transparent counts as black.
     *
     * @return [height,width], 0..1
     */
    public float[] toMask() {
        float[] mask = new float[width * height];
        for (int pixel = 0; pixel < mask.length; pixel++) {
            int at = pixel * channels;
            int sum = (bytes[at] & 0xff) + (bytes[at + 1] & 0xff) + (bytes[at + 2] & 0xff);
            float alpha = channels == 4 ? (bytes[at + 3] & 0xff) / 255f : 1;
            mask[pixel] = sum / (3 * 255f) * alpha;
        }
        return mask;
    }

    /**
     * The same image at another size, bicubic on premultiplied colour, so that transparent pixels do not
     * bleed into visible ones.
     *
     * @param newWidth columns
     * @param newHeight rows
     * @return this image if it has that size already
     */
    public Pixels resized(int newWidth, int newHeight) {
        if (newWidth == width && newHeight == height) {
            return this;
        }
        BufferedImage source = toBufferedImage(BufferedImage.TYPE_INT_ARGB_PRE);
        BufferedImage target =
                new BufferedImage(newWidth, newHeight, BufferedImage.TYPE_INT_ARGB_PRE);
        Graphics2D graphics = target.createGraphics();
        graphics.setRenderingHint(
                RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
        graphics.drawImage(source, 0, 0, newWidth, newHeight, null);
        graphics.dispose();
        return fromBufferedImage(target, channels);
    }

    BufferedImage toBufferedImage() {
        return toBufferedImage(
                channels == 4 ? BufferedImage.TYPE_INT_ARGB : BufferedImage.TYPE_INT_RGB);
    }

    private BufferedImage toBufferedImage(int type) {
        BufferedImage image = new BufferedImage(width, height, type);
        int[] row = new int[width];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int at = (y * width + x) * channels;
                int alpha = channels == 4 ? bytes[at + 3] & 0xff : 0xff;
                int rgb = (bytes[at] & 0xff) << 16 | (bytes[at + 1] & 0xff) << 8;
                row[x] = alpha << 24 | rgb | bytes[at + 2] & 0xff;
            }
            image.setRGB(0, y, width, 1, row, 0, width);
        }
        return image;
    }

    static Pixels fromBufferedImage(BufferedImage image, int channels) {
        int width = image.getWidth();
        int height = image.getHeight();
        byte[] bytes = new byte[Math.multiplyExact(Math.multiplyExact(width, height), channels)];
        int[] row = new int[width];
        for (int y = 0; y < height; y++) {
            image.getRGB(0, y, width, 1, row, 0, width);
            for (int x = 0; x < width; x++) {
                int at = (y * width + x) * channels;
                bytes[at] = (byte) (row[x] >> 16);
                bytes[at + 1] = (byte) (row[x] >> 8);
                bytes[at + 2] = (byte) row[x];
                if (channels == 4) {
                    bytes[at + 3] = (byte) (row[x] >> 24);
                }
            }
        }
        return new Pixels(width, height, channels, bytes);
    }

    /**
     * Columns.
     *
     * @return at least 1
     */
    public int width() {
        return width;
    }

    /**
     * Rows.
     *
     * @return at least 1
     */
    public int height() {
        return height;
    }

    /**
     * 3 for RGB, 4 for RGBA.
     *
     * @return the number of bytes a pixel
     */
    public int channels() {
        return channels;
    }

    /**
     * The pixels.
     *
     * @return {@code [height,width,C]}, a copy
     */
    public byte[] toBytes() {
        return bytes.clone();
    }
}
