package dev.instaflow.backend.cpu;

/**
 * The matrices of a fast 1-d correlation {@code F(m,r)}: {@code m} outputs of an {@code r}-tap filter
 * from {@code m + r - 1} inputs with as many multiplications, {@code y = output ((weight g) * (input
 * d))}.
 *
 * <p>Winograd 1980, "Arithmetic Complexity of Computations"; the construction from evaluation points as in
 * Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks", transposed Toom-Cook with the
 * last point at infinity. The divisions stand on the weights' side, where they are done once.
 *
 * @param input [m+r-1, m+r-1], times a window of the input
 * @param weight [m+r-1, r], times the filter
 * @param output [m, m+r-1], times the products
 */
record CookToom(double[][] input, double[][] weight, double[][] output) {
    /**
     * Makes the matrices.
     *
     * @param outputs m
     * @param taps r
     * @param points the m+r-2 finite evaluation points, all different
     */
    static CookToom of(int outputs, int taps, double... points) {
        int n = outputs + taps - 1;
        if (points.length != n - 1) {
            throw new IllegalArgumentException(
                    "F(%d,%d) needs %d points, got %d"
                            .formatted(outputs, taps, n - 1, points.length));
        }
        double[][] input = new double[n][n];
        double[][] weight = new double[n][taps];
        double[][] output = new double[outputs][n];
        for (int i = 0; i < n - 1; i++) {
            double[] others = without(points, i);
            input[i] = withRoots(others, n);
            double scale = 1;
            for (double other : others) {
                scale *= points[i] - other;
            }
            double power = 1;
            for (int k = 0; k < Math.max(taps, outputs); k++) {
                if (k < taps) {
                    weight[i][k] = power / scale;
                }
                if (k < outputs) {
                    output[k][i] = power;
                }
                power *= points[i];
            }
        }
        input[n - 1] = withRoots(points, n);
        weight[n - 1][taps - 1] = 1;
        output[outputs - 1][n - 1] = 1;
        return new CookToom(input, weight, output);
    }

    private static double[] without(double[] points, int index) {
        double[] others = new double[points.length - 1];
        System.arraycopy(points, 0, others, 0, index);
        System.arraycopy(points, index + 1, others, index, others.length - index);
        return others;
    }

    /** The first {@code length} coefficients of the monic polynomial with these roots, lowest first. */
    private static double[] withRoots(double[] roots, int length) {
        double[] polynomial = new double[length];
        polynomial[0] = 1;
        for (int degree = 0; degree < roots.length; degree++) {
            for (int k = degree + 1; k > 0; k--) {
                polynomial[k] = polynomial[k - 1] - roots[degree] * polynomial[k];
            }
            polynomial[0] *= -roots[degree];
        }
        return polynomial;
    }
}
