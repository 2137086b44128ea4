package dev.instaflow.tensor;

import static org.junit.jupiter.api.Assertions.fail;

/** Comparisons of values that cannot pass by accident: NaN fails, and the worst place is named. */
public final class TensorAssert {
    private TensorAssert() {}

    /**
     * Fails unless {@code |actual - expected| <= tolerance} everywhere.
     *
     * @return the largest difference, for reports
     */
    public static double close(String what, float[] actual, float[] expected, double tolerance) {
        if (actual.length != expected.length) {
            fail(what + ": " + actual.length + " values, expected " + expected.length);
        }
        int worst = -1;
        int outside = 0;
        double largest = 0;
        for (int i = 0; i < actual.length; i++) {
            double diff = Math.abs((double) actual[i] - expected[i]);
            boolean inside = diff <= tolerance;
            outside += inside ? 0 : 1;
            if (worst < 0 || !(diff <= largest)) {
                worst = i;
                largest = diff;
                if (Double.isNaN(diff)) {
                    break;
                }
            }
        }
        if (outside > 0) {
            fail(
                    "%s: at %d got %s, expected %s, differs by %.3g, allowed %.3g; %d of %d outside"
                            .formatted(
                                    what,
                                    worst,
                                    actual[worst],
                                    expected[worst],
                                    largest,
                                    tolerance,
                                    outside,
                                    actual.length));
        }
        return largest;
    }
}
