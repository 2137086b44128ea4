package dev.instaflow.unet;

import dev.instaflow.nn.Linear;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;

/** {@code out(geglu(in(x))) + residual}, four times as wide inside. */
final class FeedForward {
    private static final int EXPANSION = 4;

    final Linear in;
    final Linear out;

    private FeedForward(Linear in, Linear out) {
        this.in = in;
        this.out = out;
    }

    static FeedForward load(Weights weights, int channels) {
        int inner = EXPANSION * channels;
        return new FeedForward(
                Linear.load(weights.under("net.0.proj"), channels, 2L * inner),
                Linear.load(weights.under("net.2"), inner, channels));
    }

    /**
     * Applies the layers.
     *
     * @param x [N,T,C]
     * @param residual [N,T,C]
     * @return [N,T,C], owned by the scope of {@code outer}
     */
    Tensor forward(Ops outer, Tensor x, Tensor residual) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            return scope.escape(out.forwardAdd(ops, in.forwardGeglu(ops, x), residual));
        }
    }
}
