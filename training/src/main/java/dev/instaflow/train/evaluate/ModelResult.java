package dev.instaflow.train.evaluate;

import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.image.Pixels;
import dev.instaflow.model.Identity;
import dev.instaflow.train.data.EmojiRow.Split;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All that is found out of one model.
 *
 * @param name in the report
 * @param identity from its card
 * @param sha256 of its weights
 * @param weights plain or averaged
 * @param asked how it was drawn with
 * @param splits scores of the splits that were asked
 * @param gap one step against many, if that was measured
 * @param captions scores of each caption, in the order they were asked
 * @param shown the pictures of the captions that are shown, by subject
 * @param timing how long it took; all else is the same whenever it is measured again
 */
public record ModelResult(
        String name,
        Identity identity,
        String sha256,
        WeightSet weights,
        Asked asked,
        Map<Split, SplitScores> splits,
        Optional<GapScores> gap,
        List<CaptionScores> captions,
        Map<Integer, List<Pixels>> shown,
        Timing timing) {
    /**
     * How pictures were drawn.
     *
     * @param sampler its name
     * @param steps how many
     * @param guidance scale; 1 and below are off
     * @param forced whether the model's card does not allow that
     */
    public record Asked(String sampler, int steps, double guidance, boolean forced) {}

    /**
     * How long it took.
     *
     * @param drawSeconds noise to pixels, all captions and seeds
     * @param imagesPerSecond those pictures by that time
     * @param compareSeconds all measuring of them
     * @param gapSeconds both ways of the gap
     */
    public record Timing(
            double drawSeconds, double imagesPerSecond, double compareSeconds, double gapSeconds) {}
}
