package dev.instaflow.train.evaluate.metric;

import java.util.List;

/**
 * Whether a sample of a caption with several true pictures is one of them or a mixture. Independent noise
 * and pictures make the mean of the styles the best one-step answer; a model that has learnt more than that
 * draws each sample nearer to a style than to the mean.
 *
 * @param nearest index of the nearest style; the first of equals
 * @param toNearest distance to it
 * @param toMean distance to the mean of all styles
 * @param blend where the sample lies between the two styles nearest to it, projected on the line through
 *     both: 0 at a style or beyond it, 1 in the middle
 */
public record StylePurity(int nearest, double toNearest, double toMean, double blend) {
    /**
     * Measures a sample.
     *
     * @param sample any
     * @param styles at least two, all different
     * @return the distances
     */
    public static StylePurity of(Picture sample, List<Picture> styles) {
        if (styles.size() < 2) {
            throw new IllegalArgumentException("style purity of " + styles.size() + " styles");
        }
        int first = 0;
        int second = -1;
        long[] squared = new long[styles.size()];
        for (int i = 0; i < squared.length; i++) {
            squared[i] = sample.squaredDistance(styles.get(i));
            if (i > 0 && squared[i] < squared[first]) {
                second = first;
                first = i;
            } else if (i > 0 && (second < 0 || squared[i] < squared[second])) {
                second = i;
            }
        }
        double mean =
                (double) sample.squaredDistanceToMean(styles) / squared.length / squared.length;
        double apart = styles.get(first).squaredDistance(styles.get(second));
        // <sample - first, second - first> / |second - first|^2, from the three sides of the
        // triangle
        double along = apart == 0 ? 0 : (squared[first] + apart - squared[second]) / (2 * apart);
        return new StylePurity(
                first,
                sample.rms(squared[first]),
                sample.rms(mean),
                2 * Math.max(0, Math.min(0.5, along)));
    }

    /**
     * Whether the sample is more a style than a mixture.
     *
     * @return true if it is nearer to a style than to the mean
     */
    public boolean isPure() {
        return toNearest < toMean;
    }
}
