package dev.instaflow.train.objective;

/**
 * The distance of LPIPS between two maps of features: each position's vector of channels is divided by its
 * length, and the squared differences are summed over channels with weights and averaged over positions. Zhang
 * et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", eq. 1.
 *
 * @param value the distance
 * @param gradient with respect to the first map
 */
record FeatureDifference(double value, float[] gradient) {
    /** What the package lpips 0.1.4 adds to a length. */
    private static final double EPS = 1e-10;

    /**
     * Compares.
     *
     * @param features positions times channels, channels last
     * @param wanted as many
     * @param weights one a channel
     */
    static FeatureDifference of(float[] features, float[] wanted, float[] weights) {
        int c = weights.length;
        int positions = features.length / c;
        float[] gradient = new float[features.length];
        double[] slopes = new double[c];
        double sum = 0;
        for (int at = 0; at < features.length; at += c) {
            double norm = norm(features, at, c);
            double wantedNorm = norm(wanted, at, c) + EPS;
            double inner = 0;
            for (int i = 0; i < c; i++) {
                double unit = features[at + i] / (norm + EPS);
                double difference = unit - wanted[at + i] / wantedNorm;
                sum += weights[i] * difference * difference;
                slopes[i] = 2 * weights[i] * difference / positions;
                inner += slopes[i] * features[at + i];
            }
            if (norm == 0) {
                continue; // all zero: the direction is not defined, nor is a gradient
            }
            double radial = inner / (norm * (norm + EPS) * (norm + EPS));
            for (int i = 0; i < c; i++) {
                gradient[at + i] = (float) (slopes[i] / (norm + EPS) - features[at + i] * radial);
            }
        }
        return new FeatureDifference(sum / positions, gradient);
    }

    private static double norm(float[] values, int at, int c) {
        double squares = 0;
        for (int i = at; i < at + c; i++) {
            squares += (double) values[i] * values[i];
        }
        return Math.sqrt(squares);
    }
}
