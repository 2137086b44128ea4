package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;

/**
 * The factor between what the autoencoder encodes (raw latent) and what the UNet and the samplers see
 * (latent): {@code latent = factor * rawLatent}.
 *
 * @param factor positive
 */
public record LatentScale(double factor) {
    /** Stable Diffusion 1.x: makes the latents' variance about 1. */
    public static final LatentScale STABLE_DIFFUSION = new LatentScale(0.18215);

    /** Checks the factor. */
    public LatentScale {
        if (!(factor > 0) || Double.isInfinite(factor)) {
            throw new IllegalArgumentException("latent scale " + factor + " is not positive");
        }
    }

    /**
     * After encoding.
     *
     * @param ops owns the result
     * @param rawLatent [N,h,w,C]
     * @return [N,h,w,C]
     */
    public Tensor toLatent(Ops ops, Tensor rawLatent) {
        return ops.combine(new float[][] {{(float) factor}}, rawLatent);
    }

    /**
     * Before decoding.
     *
     * @param ops owns the result
     * @param latent [N,h,w,C]
     * @return [N,h,w,C]
     */
    public Tensor toRaw(Ops ops, Tensor latent) {
        return ops.combine(new float[][] {{(float) (1 / factor)}}, latent);
    }
}
