package dev.instaflow.train.evaluate.metric;

import dev.instaflow.image.Pixels;
import java.util.Arrays;
import java.util.List;

/**
 * A square picture as it is compared: premultiplied red, green and blue, then alpha, as whole numbers from 0
 * to {@link #unit()}. Premultiplied, since the colour of what is not seen should not count, and since the
 * distance then bounds how much two pictures can differ on any background. Immutable.
 */
public final class Picture {
    /** Rows and columns at which pictures are compared, where nothing else is said. */
    public static final int SIDE = 64;

    /** Premultiplied red, green and blue, and alpha. */
    public static final int CHANNELS = 4;

    /** The product of a colour and an alpha of eight bits each: no rounding in premultiplying. */
    private static final int UNIT = 255 * 255;

    private static final int RGB = 3;

    private final int side;
    private final int unit;
    private final int[] values;

    private Picture(int side, int unit, int[] values) {
        this.side = side;
        this.unit = unit;
        this.values = values;
    }

    /**
     * A picture of {@link #SIDE} rows and columns; larger ones are averaged in boxes.
     *
     * @param pixels square, its side a multiple of {@link #SIDE}; RGB counts as opaque
     * @return the picture
     * @throws IllegalArgumentException if it has another size
     */
    public static Picture of(Pixels pixels) {
        int width = pixels.width();
        if (width != pixels.height() || width % SIDE != 0) {
            throw new IllegalArgumentException(
                    "a picture of %dx%d pixels; only squares whose side is a multiple of %d are compared"
                            .formatted(width, pixels.height(), SIDE));
        }
        int[] values = premultiplied(pixels);
        int box = width / SIDE;
        if (box == 1) {
            return new Picture(SIDE, UNIT, values);
        }
        long[] sums = boxSums(values, width, box);
        int area = box * box;
        int[] means =
                Arrays.stream(sums).mapToInt(sum -> (int) ((sum + area / 2) / area)).toArray();
        return new Picture(SIDE, UNIT, means);
    }

    private static int[] premultiplied(Pixels pixels) {
        byte[] bytes = pixels.toBytes();
        int c = pixels.channels();
        int count = bytes.length / c;
        int[] values = new int[count * CHANNELS];
        for (int i = 0; i < count; i++) {
            int alpha = c == CHANNELS ? bytes[i * c + RGB] & 0xff : 0xff;
            for (int k = 0; k < RGB; k++) {
                values[i * CHANNELS + k] = (bytes[i * c + k] & 0xff) * alpha;
            }
            values[i * CHANNELS + RGB] = alpha * 0xff;
        }
        return values;
    }

    private static long[] boxSums(int[] values, int side, int box) {
        int small = side / box;
        long[] sums = new long[small * small * CHANNELS];
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                int to = (y / box * small + x / box) * CHANNELS;
                int from = (y * side + x) * CHANNELS;
                for (int k = 0; k < CHANNELS; k++) {
                    sums[to + k] += values[from + k];
                }
            }
        }
        return sums;
    }

    /**
     * The same picture in fewer pixels: sums over boxes, which are averages in a larger unit and so exact.
     *
     * @param smaller rows and columns, a divisor of this picture's and at least an eighth of them
     * @return the picture
     */
    public Picture shrunkTo(int smaller) {
        int box = smaller < 1 ? 0 : side / smaller;
        if (box < 1 || box > 8 || side % smaller != 0) {
            throw new IllegalArgumentException(
                    "a picture of %d rows cannot be averaged to %d".formatted(side, smaller));
        }
        long[] sums = boxSums(values, side, box);
        int[] exact = Arrays.stream(sums).mapToInt(Math::toIntExact).toArray();
        return new Picture(smaller, Math.multiplyExact(unit, box * box), exact);
    }

    /**
     * Rows and columns.
     *
     * @return {@link #SIDE} or less
     */
    public int side() {
        return side;
    }

    /**
     * The number that stands for full colour and for opaque.
     *
     * @return below 2^24, so that every value is a float
     */
    public int unit() {
        return unit;
    }

    /**
     * How many numbers it has.
     *
     * @return side * side * {@link #CHANNELS}
     */
    public int length() {
        return values.length;
    }

    /**
     * One of the numbers.
     *
     * @param index (row * side + column) * {@link #CHANNELS} + channel
     * @return 0 to {@link #unit()}
     */
    public int value(int index) {
        return values[index];
    }

    /**
     * A colour as it is seen on white.
     *
     * @param pixel row * side + column
     * @param channel 0 to 2
     * @return 0 to {@link #unit()}
     */
    public int onWhite(int pixel, int channel) {
        return values[pixel * CHANNELS + channel] + unit - values[pixel * CHANNELS + RGB];
    }

    /**
     * How opaque a pixel is.
     *
     * @param pixel row * side + column
     * @return 0 to 1
     */
    public double alpha(int pixel) {
        return (double) values[pixel * CHANNELS + RGB] / unit;
    }

    /** Writes the numbers as floats, which they are exactly. */
    void copyTo(float[] target, int offset) {
        for (int i = 0; i < values.length; i++) {
            target[offset + i] = values[i];
        }
    }

    /**
     * The sum of the squared differences of all numbers.
     *
     * @param other of the same side and unit
     * @return exactly
     */
    public long squaredDistance(Picture other) {
        requireLike(other);
        long sum = 0;
        for (int i = 0; i < values.length; i++) {
            long difference = values[i] - other.values[i];
            sum += difference * difference;
        }
        return sum;
    }

    /**
     * The squared differences summed over all numbers, to a mean of pictures.
     *
     * @param others at least one
     * @return times the square of their count, so that it is exact
     */
    long squaredDistanceToMean(List<Picture> others) {
        others.forEach(this::requireLike);
        long sum = 0;
        for (int i = 0; i < values.length; i++) {
            long difference = (long) values[i] * others.size();
            for (Picture other : others) {
                difference -= other.values[i];
            }
            sum = Math.addExact(sum, difference * difference);
        }
        return sum;
    }

    /** The sum of the squares of all numbers. */
    long squaredNorm() {
        long sum = 0;
        for (int value : values) {
            sum += (long) value * value;
        }
        return sum;
    }

    /**
     * A squared distance as the root of the mean square over all numbers.
     *
     * @param squared from {@link #squaredDistance}
     * @return 0 to 1
     */
    public double rms(double squared) {
        return Math.sqrt(squared / values.length) / unit;
    }

    /**
     * The distance to another picture.
     *
     * @param other of the same side and unit
     * @return root of the mean squared difference, 0 to 1
     */
    public double rmsTo(Picture other) {
        return rms(squaredDistance(other));
    }

    private void requireLike(Picture other) {
        if (side != other.side || unit != other.unit) {
            throw new IllegalArgumentException(
                    "pictures of %d and %d rows (units %d and %d) are compared"
                            .formatted(side, other.side, unit, other.unit));
        }
    }

    /**
     * The picture for a file, straight alpha again.
     *
     * @return RGBA; what is wholly transparent is black
     */
    public Pixels toPixels() {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i += CHANNELS) {
            long alpha = values[i + RGB];
            for (int k = 0; k < RGB; k++) {
                bytes[i + k] = (byte) (alpha == 0 ? 0 : (values[i + k] * 255L + alpha / 2) / alpha);
            }
            bytes[i + RGB] = (byte) ((alpha * 255 + unit / 2) / unit);
        }
        return Pixels.of(side, side, bytes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Picture picture
                && side == picture.side
                && unit == picture.unit
                && Arrays.equals(values, picture.values);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(values);
    }
}
