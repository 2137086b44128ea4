package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** Fresh noise for the samplers that add some at each step. */
@FunctionalInterface
public interface StepNoise {
    /**
     * The next draw.
     *
     * @param ops owns the result
     * @param shape [N,h,w,C]
     * @return independent normal numbers of mean 0 and variance 1
     */
    Tensor next(Ops ops, Shape shape);
}
