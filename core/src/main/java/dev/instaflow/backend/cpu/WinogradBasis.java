package dev.instaflow.backend.cpu;

/**
 * One fast algorithm for 3x3 convolutions, the same in both directions: a tile of {@link #STEP} x {@link
 * #STEP} input pixels and the ring around it ({@link #WINDOW} x {@link #WINDOW}) becomes {@link
 * #positions} values a direction, is multiplied position by position with the transformed kernel, and
 * becomes {@link #outputs} x {@link #outputs} pixels.
 *
 * @param number identifies it in plan keys
 * @param input [positions, WINDOW]
 * @param weight [positions, 3]
 * @param output [outputs, positions]
 */
record WinogradBasis(int number, double[][] input, double[][] weight, double[][] output) {
    /** Rows and columns of a tile of the input. */
    static final int STEP = 4;

    /** Rows and columns that a tile's results depend on: one more on each side. */
    static final int WINDOW = STEP + 2;

    private static final int TAPS = 3;

    /**
     * F(4x4,3x3), a quarter of the multiplications. The points are those of the smallest error among the
     * small fractions: 1.8 times a direct convolution's, and less than half of what the textbook's 0, 1,
     * -1, 2, -2 have.
     */
    static final WinogradBasis SAME = same(0, CookToom.of(4, TAPS, 0, 0.75, -0.75, 1.5, -1.5));

    /**
     * Nearest-neighbour doubling and the 3x3 convolution after it, as F(4x4,2x2) for each of the four
     * phases of the output: of three neighbours in the doubled image two are the same pixel, so each
     * phase is a 2x2 convolution of the small image. 100 multiplications for 64 outputs instead of 576.
     */
    static final WinogradBasis DOUBLED = doubled(1, CookToom.of(4, 2, 0.5, -0.5, 1.5, -1.5));

    private static WinogradBasis same(int number, CookToom f) {
        return new WinogradBasis(number, f.input(), f.weight(), f.output());
    }

    private static WinogradBasis doubled(int number, CookToom f) {
        int each = f.input().length;
        double[][] input = new double[2 * each][WINDOW];
        double[][] weight = new double[2 * each][TAPS];
        double[][] output = new double[2 * STEP][2 * each];
        for (int phase = 0; phase < 2; phase++) {
            for (int i = 0; i < each; i++) {
                int row = phase * each + i;
                System.arraycopy(f.input()[i], 0, input[row], phase, each);
                // Even outputs see g0 x[k-1] + (g1 + g2) x[k], odd ones (g0 + g1) x[k] + g2 x[k+1].
                double first = f.weight()[i][0];
                double second = f.weight()[i][1];
                weight[row][0] = first;
                weight[row][1] = phase == 0 ? second : first;
                weight[row][2] = second;
                for (int k = 0; k < STEP; k++) {
                    output[2 * k + phase][row] = f.output()[k][i];
                }
            }
        }
        return new WinogradBasis(number, input, weight, output);
    }

    /** Transformed values a direction. */
    int positions() {
        return input.length;
    }

    /** Rows and columns of a tile of the result. */
    int outputs() {
        return output.length;
    }

    /** How many times larger the result is, in both directions. */
    int scale() {
        return outputs() / STEP;
    }

    /**
     * The matrix from the 9 taps of a kernel, row-major, to its positions squared, the vertical position
     * counting slower.
     */
    float[] kernelTransform() {
        int p = positions();
        float[] matrix = new float[p * p * TAPS * TAPS];
        int at = 0;
        for (double[] vertical : weight) {
            for (double[] horizontal : weight) {
                for (double v : vertical) {
                    for (double h : horizontal) {
                        matrix[at++] = (float) (v * h);
                    }
                }
            }
        }
        return matrix;
    }
}
