package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;

/** A network that knows the contexts of its images, and is told which of them to use. */
@FunctionalInterface
public interface ConditionalDenoiser {
    /** Which contexts the samples of a batch go with. */
    enum Contexts {
        /** N samples with the N positive contexts. */
        POSITIVE,
        /** 2N samples: the first N with the negative contexts, the last N with the positive ones. */
        NEGATIVE_THEN_POSITIVE
    }

    /**
     * One evaluation.
     *
     * @param ops owns the result
     * @param latents [N,h,w,C] or [2N,h,w,C]
     * @param labels as many as samples
     * @param contexts which contexts go with them
     * @return the shape of {@code latents}
     */
    Tensor predict(Ops ops, Tensor latents, float[] labels, Contexts contexts);
}
