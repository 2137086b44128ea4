package dev.instaflow.unet;

import dev.instaflow.nn.Conv2d;
import dev.instaflow.nn.GroupNorm;
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

/**
 * Residual block: {@code skip(x) + out(in(x) + proj(silu(emb)))}, where in and out are each a
 * convolution of the SiLU of a norm.
 */
final class ResBlock implements StepLayer {
    /** CompVis' GroupNorm32; the transformers and the VAE have another. */
    static final float EPS = 1e-5f;

    final NormedConv in;
    final Linear time;
    final NormedConv out;
    final Optional<Linear> skip;

    private ResBlock(NormedConv in, Linear time, NormedConv out, Optional<Linear> skip) {
        this.in = in;
        this.time = time;
        this.out = out;
        this.skip = skip;
    }

    static ResBlock load(Weights weights, UNetConfig config, int in, int out, int sizeHint) {
        return new ResBlock(
                normedConv(weights, "in_layers.0", "in_layers.2", config, in, out, sizeHint),
                Linear.load(weights.under("emb_layers.1"), config.timeChannels(), out),
                normedConv(weights, "out_layers.0", "out_layers.3", config, out, out, sizeHint),
                in == out
                        ? Optional.empty()
                        : Optional.of(
                                Linear.loadPointwise(weights.under("skip_connection"), in, out)));
    }

    private static NormedConv normedConv(
            Weights weights,
            String norm,
            String conv,
            UNetConfig config,
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
    public Tensor forward(Ops outer, Tensor x, Step step) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor h = timed(ops, x, step); // [N,H,W,Co]
            Tensor residual = skip.isPresent() ? skip.get().forward(ops, x) : x;
            return scope.escape(out.forwardAdd(ops, h, residual));
        }
    }

    private Tensor timed(Ops outer, Tensor x, Step step) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor h = in.forward(ops, x); // [N,H,W,Co]
            return scope.escape(ops.addPerChannel(h, time.forward(ops, step.time())));
        }
    }
}
