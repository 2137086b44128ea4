package dev.instaflow.vae;

import dev.instaflow.nn.Conv2d;
import dev.instaflow.nn.GroupNorm;
import dev.instaflow.nn.Layer;
import dev.instaflow.nn.Linear;
import dev.instaflow.nn.NormedConv;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.Optional;

/** Residual block: {@code shortcut(x) + second(first(x))}, each a convolution of the SiLU of a norm. */
final class ResnetBlock implements Layer {
    /** CompVis' Normalize, everywhere in the autoencoder. */
    static final float EPS = 1e-6f;

    private final NormedConv first;
    private final NormedConv second;
    private final Optional<Linear> shortcut;

    private ResnetBlock(NormedConv first, NormedConv second, Optional<Linear> shortcut) {
        this.first = first;
        this.second = second;
        this.shortcut = shortcut;
    }

    static ResnetBlock load(Weights weights, VaeConfig config, int level, int in, int out) {
        int hint = config.sizeHint(level);
        return new ResnetBlock(
                normedConv(weights, "norm1", "conv1", config, in, out, hint),
                normedConv(weights, "norm2", "conv2", config, out, out, hint),
                in == out
                        ? Optional.empty()
                        : Optional.of(
                                Linear.loadPointwise(weights.under("nin_shortcut"), in, out)));
    }

    /** Also the end of encoder and decoder. */
    static NormedConv normedConv(
            Weights weights,
            String norm,
            String conv,
            VaeConfig config,
            int in,
            int out,
            int sizeHint) {
        GroupNormSpec spec = new GroupNormSpec(config.normGroups(), EPS, Activation.SILU);
        return new NormedConv(
                GroupNorm.load(weights.under(norm), spec, in),
                Conv2d.load(weights.under(conv), ConvSpec.SAME_3X3, in, out, sizeHint));
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
