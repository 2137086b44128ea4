package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;

/** A network with everything but state and time bound to it: prompt, guidance, cancellation. */
@FunctionalInterface
public interface Denoiser {
    /**
     * One evaluation.
     *
     * @param ops owns the result
     * @param latents [N,h,w,C], scaled as the model's prediction wants it
     * @param labels N labels, one an image
     * @return [N,h,w,C], eps, v or velocity as the model's {@link Prediction} says
     */
    Tensor predict(Ops ops, Tensor latents, float[] labels);
}
