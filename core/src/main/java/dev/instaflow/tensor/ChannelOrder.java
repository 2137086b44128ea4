package dev.instaflow.tensor;

/**
 * The way between images with channels first {@code [N,C,H,W]}, as files of other programs have them,
 * and channels last {@code [N,H,W,C]}, as everything here has them.
 */
public final class ChannelOrder {
    private ChannelOrder() {}

    /**
     * Sizes with the channels last.
     *
     * @param nchw [N,C,H,W]
     * @return [N,H,W,C]
     */
    public static Shape channelsLast(Shape nchw) {
        requireImage(nchw);
        return Shape.of(nchw.size(0), nchw.size(2), nchw.size(3), nchw.size(1));
    }

    /**
     * Sizes with the channels first.
     *
     * @param nhwc [N,H,W,C]
     * @return [N,C,H,W]
     */
    public static Shape channelsFirst(Shape nhwc) {
        requireImage(nhwc);
        return Shape.of(nhwc.size(0), nhwc.size(3), nhwc.size(1), nhwc.size(2));
    }

    /**
     * Values with the channels last.
     *
     * @param nchw the sizes of {@code values}, [N,C,H,W]
     * @param values row-major
     * @return [N,H,W,C], a fresh array
     */
    public static float[] toChannelsLast(Shape nchw, float[] values) {
        requireImage(nchw);
        return swapInner(nchw.intSize(0), nchw.intSize(1), pixels(nchw, 2), values);
    }

    /**
     * Values with the channels first.
     *
     * @param nhwc the sizes of {@code values}, [N,H,W,C]
     * @param values row-major
     * @return [N,C,H,W], a fresh array
     */
    public static float[] toChannelsFirst(Shape nhwc, float[] values) {
        requireImage(nhwc);
        return swapInner(nhwc.intSize(0), pixels(nhwc, 1), nhwc.intSize(3), values);
    }

    private static int pixels(Shape shape, int heightAxis) {
        return Math.multiplyExact(shape.intSize(heightAxis), shape.intSize(heightAxis + 1));
    }

    /** [N,A,B] to [N,B,A]. */
    private static float[] swapInner(int n, int a, int b, float[] values) {
        if (values.length != (long) n * a * b) {
            throw new IllegalArgumentException(
                    "%d values for an image of %d elements"
                            .formatted(values.length, (long) n * a * b));
        }
        float[] swapped = new float[values.length];
        for (int sample = 0; sample < n; sample++) {
            int start = sample * a * b;
            for (int i = 0; i < a; i++) {
                for (int j = 0; j < b; j++) {
                    swapped[start + j * a + i] = values[start + i * b + j];
                }
            }
        }
        return swapped;
    }

    private static void requireImage(Shape shape) {
        if (shape.rank() != 4) {
            throw new IllegalArgumentException("an image has 4 dimensions, this one is " + shape);
        }
    }
}
