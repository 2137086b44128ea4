package dev.instaflow.vae;

import dev.instaflow.nn.Layer;
import dev.instaflow.nn.Linear;
import dev.instaflow.nn.NormedConv;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.Optional;

/** Residual block: {@code shortcut(x) + second(first(x))}, each a convolution of the SiLU of a norm. */
final class ResnetBlock implements Layer {
    private final NormedConv first;
    private final NormedConv second;
    private final Optional<Linear> shortcut;

    private ResnetBlock(NormedConv first, NormedConv second, Optional<Linear> shortcut) {
        this.first = first;
        this.second = second;
        this.shortcut = shortcut;
    }

    static ResnetBlock load(Weights weights, VaeConfig config, int level, int in, int out) {
        GroupNormSpec norm = config.norm(Activation.SILU);
        int hint = config.sizeHint(level);
        return new ResnetBlock(
                NormedConv.load(
                        weights.under("norm1"), weights.under("conv1"), norm, in, out, hint),
                NormedConv.load(
                        weights.under("norm2"), weights.under("conv2"), norm, out, out, hint),
                in == out
                        ? Optional.empty()
                        : Optional.of(
                                Linear.loadPointwise(weights.under("nin_shortcut"), in, out)));
    }

    /**
     * Applies the block.
     *
     * @param x [N,H,W,Ci]
     * @return [N,H,W,Co], owned by the scope of {@code outer}
     */
    @Override
    public Tensor forward(Ops outer, Tensor x) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor h = first.forward(ops, x); // [N,H,W,Co]
            Tensor residual = shortcut.isPresent() ? shortcut.get().forward(ops, x) : x;
            return scope.escape(second.forwardAdd(ops, h, residual));
        }
    }
}
