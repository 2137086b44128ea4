package dev.instaflow.train.evaluate.metric;

/** Peak signal-to-noise ratios: {@code 10 log10(1 / mean squared error)}, full colour being 1. */
public final class Fidelity {
    /** The most that is given, and what equal pictures get in place of infinity. */
    public static final double EQUAL = 100;

    private static final int RGB = 3;

    private Fidelity() {}

    /**
     * Of red, green and blue as they are seen on white.
     *
     * @param picture a sample
     * @param truth what it should be
     * @return decibels, at most {@link #EQUAL}
     */
    public static double psnrOnWhite(Picture picture, Picture truth) {
        long sum = 0;
        int pixels = picture.side() * picture.side();
        for (int i = 0; i < pixels; i++) {
            for (int k = 0; k < RGB; k++) {
                long difference = picture.onWhite(i, k) - truth.onWhite(i, k);
                sum += difference * difference;
            }
        }
        return decibels(sum, (long) pixels * RGB, picture.unit());
    }

    /**
     * Of premultiplied red, green, blue, and alpha.
     *
     * @param picture a sample
     * @param truth what it should be
     * @return decibels, at most {@link #EQUAL}
     */
    public static double psnrRgba(Picture picture, Picture truth) {
        return decibels(picture.squaredDistance(truth), picture.length(), picture.unit());
    }

    private static double decibels(long squared, long count, double unit) {
        return squared == 0
                ? EQUAL
                : Math.min(EQUAL, 10 * Math.log10(count * unit * unit / squared));
    }
}
