package dev.instaflow.train.evaluate;

/**
 * How much is asked and measured.
 *
 * @param captions which are asked
 * @param seeds each is drawn with seeds 0 to {@code seeds - 1}
 * @param gapSteps steps of the long way that a single step is compared with
 * @param gapCaptions how many captions go both ways, evenly spaced
 * @param gridCaptions how many of each split are shown, evenly spaced
 */
public record EvaluationSettings(
        CaptionSelection captions, int seeds, int gapSteps, int gapCaptions, int gridCaptions) {
    /** All captions, eight seeds; 25 steps for 64 captions; 12 captions of each split shown. */
    public static final EvaluationSettings DEFAULT =
            new EvaluationSettings(CaptionSelection.ALL, 8, 25, 64, 12);

    /** Checks the numbers. */
    public EvaluationSettings {
        if (seeds < 1 || gapSteps < 2 || gapCaptions < 0 || gridCaptions < 0) {
            throw new IllegalArgumentException(
                    "%d seeds, gap of %d steps for %d captions, grid of %d captions; expected at least 1, 2, 0 and 0"
                            .formatted(seeds, gapSteps, gapCaptions, gridCaptions));
        }
    }

    /**
     * Other captions.
     *
     * @param selection which are asked
     * @return a changed copy
     */
    public EvaluationSettings withCaptions(CaptionSelection selection) {
        return new EvaluationSettings(selection, seeds, gapSteps, gapCaptions, gridCaptions);
    }
}
