package dev.instaflow.benchmarks;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;

/**
 * Checks some pixels of a 3x3 convolution that keeps the size: the corners, where padding counts, and some
 * between. Each is repeated on the reference as a convolution of its padded neighbourhood.
 *
 * @param weight [Co,Ci,3,3]
 * @param bias [Co]
 * @param ci channels of the input
 * @param co channels of the result
 * @param side rows and columns
 */
record ConvSample(float[] weight, float[] bias, int ci, int co, int side) {
    /** Weights that each pair of channels has. */
    static final int TAPS = 9;

    private static final int KERNEL = 3;
    private static final int SAMPLES = 12;

    /** F32 sums of up to 9 * 1280 products of deviation 1/sqrt(their number). */
    private static final double TOLERANCE = 1e-4;

    /** Where a pixel of the convolution's input begins. */
    interface Index {
        /** In bounds for any row and column of the input. */
        int of(int row, int column);
    }

    /**
     * Checks a result.
     *
     * @param y [side,side,Co]
     * @param index into {@code x}
     * @param x what the input is made of
     */
    void check(float[] y, Index index, float[] x) {
        for (int i = 0; i < SAMPLES; i++) {
            checkPixel(y, index, x, i * (side - 1) / (SAMPLES - 1), (i % 2) * (side - 1));
        }
    }

    private void checkPixel(float[] y, Index index, float[] x, int row, int column) {
        float[] near = new float[TAPS * ci];
        for (int tap = 0; tap < TAPS; tap++) {
            int r = row + tap / KERNEL - 1;
            int c = column + tap % KERNEL - 1;
            if (r >= 0 && r < side && c >= 0 && c < side) {
                System.arraycopy(x, index.of(r, c), near, tap * ci, ci);
            }
        }
        float[] actual = new float[co];
        System.arraycopy(y, (row * side + column) * co, actual, 0, co);
        ConvSpec inner = new ConvSpec(KERNEL, 1, 0, 0, 0, 0);
        OpFixture.check(
                actual,
                TOLERANCE,
                (ops, upload) ->
                        ops.conv2d(
                                inner,
                                ops.tensor("x", Shape.of(1, KERNEL, KERNEL, ci), near),
                                upload.weight(
                                        new WeightForm.Conv(inner, KERNEL, KERNEL),
                                        Shape.of(co, ci, KERNEL, KERNEL),
                                        weight),
                                upload.weight(WeightForm.PLAIN, Shape.of(co), bias)));
    }
}
