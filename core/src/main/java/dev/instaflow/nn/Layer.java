package dev.instaflow.nn;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;

/** One step of a chain: a tensor in, a tensor out. */
@FunctionalInterface
public interface Layer {
    /**
     * Applies the layer.
     *
     * @param ops what to compute with
     * @param x the input, not modified and not closed
     * @return the output, owned by the scope of {@code ops}
     */
    Tensor forward(Ops ops, Tensor x);
}
