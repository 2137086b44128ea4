package dev.instaflow.train.evaluate;

import dev.instaflow.train.evaluate.metric.Distribution;
import java.util.List;
import java.util.Optional;

/**
 * What a single step loses against many, from the same noise.
 *
 * @param captions how many went both ways
 * @param samples how many
 * @param steps of the long way
 * @param forced whether the model's card does not allow as many
 * @param latent RMS difference of the latents
 * @param pixel RMS difference of the pictures, premultiplied RGBA
 * @param straightness of the long way, if the model is a flow
 */
public record GapScores(
        int captions,
        int samples,
        int steps,
        boolean forced,
        Distribution latent,
        Distribution pixel,
        Optional<StraightnessScores> straightness) {
    /**
     * Straightness along the way.
     *
     * @param mean over all times
     * @param relative the same, divided by the mean square of what the way covers
     * @param byTime at the beginning of each step, the first being noise
     */
    public record StraightnessScores(double mean, double relative, List<Double> byTime) {}
}
