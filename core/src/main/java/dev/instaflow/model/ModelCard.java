package dev.instaflow.model;

import dev.instaflow.image.ColorFormat;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.sampler.SamplingTraits;

/**
 * What the tensors of a model do not tell and must never be guessed: what its output means, how it labels
 * time, how latents are scaled, and which requests it was made for. Travels beside the weights as JSON; see
 * {@link ModelCardReader}.
 *
 * @param identity name and licence
 * @param traits what a sampler must know
 * @param latentScale between the autoencoder and the UNet
 * @param limits requests that it was made for
 * @param image what it makes
 */
public record ModelCard(
        Identity identity,
        SamplingTraits traits,
        LatentScale latentScale,
        RequestLimits limits,
        ImageTraits image) {
    private static final ImageTraits SD_IMAGE = new ImageTraits(512, 512, ColorFormat.RGB);

    /**
     * InstaFlow-0.9B: one step, guidance baked in.
     *
     * @return the card of {@code XCLIU/instaflow_0_9B_from_sd_1_5}
     */
    public static ModelCard instaFlow() {
        return new ModelCard(
                new Identity(
                        "instaflow-0.9b",
                        "One-step InstaFlow distilled from Stable Diffusion v1.5",
                        "CC-BY-NC-4.0 AND CreativeML OpenRAIL-M"),
                SamplingTraits.instaFlow(),
                LatentScale.STABLE_DIFFUSION,
                new RequestLimits(1, 1, 1, 1, 0),
                SD_IMAGE);
    }

    /**
     * 2-rectified flow of Stable Diffusion v1.5: few steps, guidance about 1.5.
     *
     * @return the card of {@code XCLIU/2_rectified_flow_from_sd_1_5}
     */
    public static ModelCard twoRectifiedFlow() {
        return new ModelCard(
                new Identity(
                        "2-rectified-flow",
                        "2-rectified flow of Stable Diffusion v1.5",
                        "CC-BY-NC-4.0 AND CreativeML OpenRAIL-M"),
                SamplingTraits.instaFlow(),
                LatentScale.STABLE_DIFFUSION,
                new RequestLimits(1, RequestLimits.MOST_STEPS, 25, 10, 1.5),
                SD_IMAGE);
    }

    /**
     * Stable Diffusion 1.1 to 1.5.
     *
     * @return eps prediction, 50 steps, guidance 7.5
     */
    public static ModelCard stableDiffusion15() {
        return new ModelCard(
                new Identity(
                        "stable-diffusion-v1.5", "Stable Diffusion v1.x", "CreativeML OpenRAIL-M"),
                SamplingTraits.stableDiffusion(),
                LatentScale.STABLE_DIFFUSION,
                new RequestLimits(1, RequestLimits.MOST_STEPS, 50, 30, 7.5),
                SD_IMAGE);
    }
}
