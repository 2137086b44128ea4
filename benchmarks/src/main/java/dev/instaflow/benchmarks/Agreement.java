package dev.instaflow.benchmarks;

/** A timing is worth nothing unless the results agree. */
final class Agreement {
    private Agreement() {}

    /**
     * Fails unless {@code |actual - expected| <= tolerance} everywhere.
     *
     * @return the largest difference
     * @throws IllegalStateException that names the worst place
     */
    static double require(float[] actual, float[] expected, double tolerance) {
        if (actual.length != expected.length) {
            throw new IllegalStateException(
                    "%d values, expected %d".formatted(actual.length, expected.length));
        }
        double largest = 0;
        for (int i = 0; i < actual.length; i++) {
            double difference = Math.abs((double) actual[i] - expected[i]);
            if (!(difference <= tolerance)) {
                throw new IllegalStateException(
                        "at %d: %s, expected %s within %s"
                                .formatted(i, actual[i], expected[i], tolerance));
            }
            largest = Math.max(largest, difference);
        }
        return largest;
    }
}
