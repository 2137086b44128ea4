package dev.instaflow.train.evaluate.metric;

import java.util.Arrays;

/**
 * Many numbers in a few. Percentiles lie between the two nearest ranks in proportion, as numpy has them.
 *
 * @param count how many
 * @param mean their mean
 * @param p10 a tenth is below
 * @param median half is below
 * @param p90 nine tenths are below
 */
public record Distribution(int count, double mean, double p10, double median, double p90) {
    /**
     * Of some numbers.
     *
     * @param values at least one
     * @return their distribution
     */
    public static Distribution of(double... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("the distribution of no numbers");
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return new Distribution(
                values.length,
                sum / values.length,
                percentile(sorted, 0.1),
                percentile(sorted, 0.5),
                percentile(sorted, 0.9));
    }

    private static double percentile(double[] sorted, double share) {
        double at = share * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }

    /**
     * The share of numbers that reach a limit.
     *
     * @param limit inclusive
     * @param values at least one
     * @return 0 to 1
     */
    public static double shareFrom(double limit, double... values) {
        return (double) Arrays.stream(values).filter(value -> value >= limit).count()
                / values.length;
    }
}
