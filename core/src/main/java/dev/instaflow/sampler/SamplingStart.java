package dev.instaflow.sampler;

import dev.instaflow.tensor.Tensor;

/** Where a run begins. */
public sealed interface SamplingStart {
    /**
     * The noise that it begins with, of variance 1: samplers scale it themselves.
     *
     * @return [N,h,w,C]
     */
    Tensor noise();

    /**
     * From nothing but noise.
     *
     * @param noise [N,h,w,C], variance 1
     */
    record Noise(Tensor noise) implements SamplingStart {}

    /**
     * From an image with noise on it (SDEdit, Meng et al. 2021).
     *
     * @param image [N,h,w,C] latents
     * @param noise [N,h,w,C], variance 1
     * @param strength in (0,1]: 1 replaces nearly everything. A diffusion sampler of N steps runs the
     *     last {@code floor(strength * N)} of them, from the noise level of the first that runs (as
     *     diffusers; CompVis adds the noise of the level before). A flow starts at time {@code 1 -
     *     strength} exactly, with as many steps but at least one.
     */
    record Image(Tensor image, Tensor noise, double strength) implements SamplingStart {
        /** Checks shapes and strength. */
        public Image {
            if (!(strength > 0 && strength <= 1)) {
                throw new IllegalArgumentException("strength " + strength + " is outside (0,1]");
            }
            if (!image.shape().equals(noise.shape())) {
                throw new IllegalArgumentException(
                        "image latents " + image + " and noise " + noise + " differ in shape");
            }
        }
    }
}
