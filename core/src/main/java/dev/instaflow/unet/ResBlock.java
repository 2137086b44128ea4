package dev.instaflow.unet;

import dev.instaflow.nn.Linear;
import dev.instaflow.nn.NormedConv;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Activation;
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
        GroupNormSpec norm = new GroupNormSpec(config.normGroups(), EPS, Activation.SILU);
        return new ResBlock(
                NormedConv.load(
                        weights.under("in_layers.0"),
                        weights.under("in_layers.2"),
                        norm,
                        in,
                        out,
                        sizeHint),
                Linear.load(weights.under("emb_layers.1"), config.timeChannels(), out),
                NormedConv.load(
                        weights.under("out_layers.0"),
                        weights.under("out_layers.3"),
                        norm,
                        out,
                        out,
                        sizeHint),
                in == out
                        ? Optional.empty()
                        : Optional.of(
                                Linear.loadPointwise(weights.under("skip_connection"), in, out)));
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
            Tensor emb = time.forward(ops, step.time()); // [N,Co]
            return scope.escape(in.forwardAddPerChannel(ops, x, emb)); // [N,H,W,Co]
        }
    }
}
