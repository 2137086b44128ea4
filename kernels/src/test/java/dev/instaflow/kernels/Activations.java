package dev.instaflow.kernels;

import dev.instaflow.kernels.ElementwiseKernel.Unary;
import java.util.function.DoubleUnaryOperator;

/** The activations in F64, as written in the papers; slopes by central differences of them. */
final class Activations {
    private static final double STEP = 1e-4;

    private Activations() {}

    static DoubleUnaryOperator value(Unary f) {
        return switch (f) {
            case SILU -> x -> x / (1 + Math.exp(-x));
            case QUICKGELU -> x -> x / (1 + Math.exp(-1.702 * x));
            case GELU -> x -> x / 2 * (1 + erf(x / Math.sqrt(2)));
        };
    }

    /** Of fourth order: the error is about 1e-16 / STEP + STEP^4. */
    static double slope(Unary f, double x) {
        DoubleUnaryOperator g = value(f);
        double near = g.applyAsDouble(x + STEP) - g.applyAsDouble(x - STEP);
        double far = g.applyAsDouble(x + 2 * STEP) - g.applyAsDouble(x - 2 * STEP);
        return (8 * near - far) / (12 * STEP);
    }

    /** Abramowitz and Stegun 7.1.5 near 0, and the continued fraction 7.1.14 beyond 3. */
    static double erf(double x) {
        double a = Math.abs(x);
        if (a > 3) {
            double fraction = 0;
            for (int k = 60; k > 0; k--) {
                fraction = k / 2.0 / (a + fraction);
            }
            double tail = Math.exp(-a * a) / ((a + fraction) * Math.sqrt(Math.PI));
            return Math.signum(x) * (1 - tail);
        }
        double term = x;
        double sum = x;
        for (int k = 1; k < 80; k++) {
            term *= -x * x / k;
            sum += term / (2 * k + 1);
        }
        return 2 / Math.sqrt(Math.PI) * sum;
    }
}
