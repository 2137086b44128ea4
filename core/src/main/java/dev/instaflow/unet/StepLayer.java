package dev.instaflow.unet;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;

/** A layer of a UNet block. */
@FunctionalInterface
interface StepLayer {
    /**
     * Applies the layer.
     *
     * @param x [N,H,W,Ci]
     * @return [N,H',W',Co], owned by the scope of {@code ops}
     */
    Tensor forward(Ops ops, Tensor x, Step step);
}
