package dev.instaflow.nn;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;

/**
 * {@code conv(silu(norm(x)))}, the half of a residual block and the end of every model. A layer of its
 * own so that the normalised copy of {@code x} is freed before the next one is made.
 *
 * @param norm with SiLU as its activation
 * @param conv takes the channels of the norm
 */
public record NormedConv(GroupNorm norm, Conv2d conv) {
    /**
     * Takes the weights of both, the norm's first.
     *
     * @param norm has the norm's {@code weight} and {@code bias}
     * @param conv has the 3x3 convolution's
     * @param spec of the norm, with SiLU as its activation
     * @param in channels of the input
     * @param out channels of the result
     * @param sizeHint as of {@link Conv2d#load}
     * @return the layers
     */
    public static NormedConv load(
            Weights norm, Weights conv, GroupNormSpec spec, long in, long out, int sizeHint) {
        return new NormedConv(
                GroupNorm.load(norm, spec, in),
                Conv2d.load(conv, ConvSpec.SAME_3X3, in, out, sizeHint));
    }

    /**
     * Applies the layers.
     *
     * @param outer what to compute with
     * @param x [N,H,W,Ci]
     * @return [N,H,W,Co], owned by the scope of {@code outer}
     */
    public Tensor forward(Ops outer, Tensor x) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            return scope.escape(conv.forward(ops, norm.forward(ops, x)));
        }
    }

    /**
     * Applies the layers and adds a residual.
     *
     * @param outer what to compute with
     * @param x [N,H,W,Ci]
     * @param residual [N,H,W,Co]
     * @return [N,H,W,Co], owned by the scope of {@code outer}
     */
    public Tensor forwardAdd(Ops outer, Tensor x, Tensor residual) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            return scope.escape(conv.forwardAdd(ops, norm.forward(ops, x), residual));
        }
    }
}
