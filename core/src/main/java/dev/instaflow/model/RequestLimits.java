package dev.instaflow.model;

/**
 * What a model was made for. A request outside is refused unless forced: one-step models blur with more
 * steps, and guidance that was distilled into the weights must not be applied again.
 *
 * @param minSteps least number of steps, at least 1
 * @param maxSteps most steps, at most 1000
 * @param defaultSteps steps where the request names none
 * @param maxGuidance largest guidance scale; 1 or less means that guidance stays off
 * @param defaultGuidance guidance scale where the request names none; 1 or less is off
 */
public record RequestLimits(
        int minSteps, int maxSteps, int defaultSteps, double maxGuidance, double defaultGuidance) {
    /** The largest number of steps of any sampler: one for each training step. */
    public static final int MOST_STEPS = 1000;

    /** Checks the numbers against each other. */
    public RequestLimits {
        boolean ordered = 1 <= minSteps && minSteps <= defaultSteps && defaultSteps <= maxSteps;
        if (!ordered || maxSteps > MOST_STEPS) {
            throw new IllegalArgumentException(
                    "steps: expected 1 <= min <= default <= max <= %d, found %d, %d, %d"
                            .formatted(MOST_STEPS, minSteps, defaultSteps, maxSteps));
        }
        if (!(defaultGuidance >= 0 && defaultGuidance <= Math.max(1, maxGuidance))) {
            throw new IllegalArgumentException(
                    "guidance: default %s is outside 0 to %s"
                            .formatted(defaultGuidance, maxGuidance));
        }
    }

    /**
     * Whether the model may be guided at all; only then do negative prompts mean anything.
     *
     * @return false if guidance must stay off
     */
    public boolean allowsGuidance() {
        return maxGuidance > 1;
    }
}
