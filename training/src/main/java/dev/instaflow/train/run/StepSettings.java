package dev.instaflow.train.run;

import dev.instaflow.train.optim.LearningRate;

/**
 * What a step does with gradients, wherever they come from.
 *
 * @param seed of everything random
 * @param passes whose gradients are averaged in a step
 * @param learningRate by step
 * @param clipNorm limit of the gradients' norm
 * @param emaDecay share of the average that is kept in the long run
 */
public record StepSettings(
        long seed, int passes, LearningRate learningRate, double clipNorm, double emaDecay) {
    /** Checks the numbers. */
    public StepSettings {
        if (passes < 1 || !(clipNorm > 0)) {
            throw new IllegalArgumentException(
                    "training with %d passes, clip norm %s; both must be above 0"
                            .formatted(passes, clipNorm));
        }
    }
}
