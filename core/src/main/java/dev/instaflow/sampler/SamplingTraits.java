package dev.instaflow.sampler;

import java.util.Objects;

/**
 * What a sampler must know of a model; part of its card, never guessed.
 *
 * @param prediction what the network's output means
 * @param timeLabelRule how a flow model labels time; read only where the prediction is {@link
 *     Prediction#FLOW}
 * @param noiseSchedule the training noise of a diffusion model; read only where the prediction is
 *     {@link Prediction#EPSILON} or {@link Prediction#V}, whose labels are its training steps
 */
public record SamplingTraits(
        Prediction prediction, TimeLabelRule timeLabelRule, NoiseSchedule noiseSchedule) {
    /** Checks that all are there. */
    public SamplingTraits {
        Objects.requireNonNull(prediction, "prediction");
        Objects.requireNonNull(timeLabelRule, "timeLabelRule");
        Objects.requireNonNull(noiseSchedule, "noiseSchedule");
    }

    /**
     * A rectified flow.
     *
     * @param rule how it labels time
     * @return its traits
     */
    public static SamplingTraits flow(TimeLabelRule rule) {
        return new SamplingTraits(Prediction.FLOW, rule, NoiseSchedule.STABLE_DIFFUSION);
    }

    /**
     * InstaFlow and 2-rectified flow of Stable Diffusion.
     *
     * @return a flow with InstaFlow's labels
     */
    public static SamplingTraits instaFlow() {
        return flow(TimeLabelRule.INSTAFLOW);
    }

    /**
     * Stable Diffusion 1.x.
     *
     * @return eps prediction on its noise schedule
     */
    public static SamplingTraits stableDiffusion() {
        return diffusion(Prediction.EPSILON);
    }

    /**
     * A diffusion model on Stable Diffusion's noise schedule.
     *
     * @param prediction {@link Prediction#EPSILON} or {@link Prediction#V}
     * @return its traits
     * @throws IllegalArgumentException for {@link Prediction#FLOW}
     */
    public static SamplingTraits diffusion(Prediction prediction) {
        if (prediction == Prediction.FLOW) {
            throw new IllegalArgumentException("a flow model is not a diffusion model");
        }
        return new SamplingTraits(
                prediction, TimeLabelRule.INSTAFLOW, NoiseSchedule.STABLE_DIFFUSION);
    }
}
