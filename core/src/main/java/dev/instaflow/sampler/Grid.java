package dev.instaflow.sampler;

import java.util.Arrays;

/**
 * The labels and noise levels of a run of N steps: step i goes from level i to level i+1 and begins
 * with a network call at label i. There are N+1 of each; the last label is that of the end.
 */
final class Grid {
    private final double[] labels;
    private final NoiseLevel[] levels;
    private final double startScale;

    /**
     * A grid; the arrays are not copied.
     *
     * @param startScale what noise of variance 1 is multiplied with to be a state at level 0
     */
    Grid(double[] labels, NoiseLevel[] levels, double startScale) {
        this.labels = labels;
        this.levels = levels;
        this.startScale = startScale;
    }

    int steps() {
        return labels.length - 1;
    }

    float label(int i) {
        return (float) labels[i];
    }

    NoiseLevel level(int i) {
        return levels[i];
    }

    double startScale() {
        return startScale;
    }

    /** The last steps alone. */
    Grid last(int steps) {
        int from = steps() - steps;
        return new Grid(
                Arrays.copyOfRange(labels, from, labels.length),
                Arrays.copyOfRange(levels, from, levels.length),
                startScale);
    }
}
