package dev.instaflow.unet;

import dev.instaflow.nn.Attention;
import dev.instaflow.nn.LayerNorm;
import dev.instaflow.nn.Linear;
import dev.instaflow.nn.Sequential;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.List;

/** Self-attention, attention to the text, feed-forward; each on a normalised copy, each added. */
final class TransformerBlock {
    private static final float EPS = 1e-5f;

    final LayerNorm norm1;
    final Attention self;
    final LayerNorm norm2;
    final Attention cross;
    final LayerNorm norm3;
    final FeedForward feedForward;

    private TransformerBlock(Weights weights, UNetConfig config, int channels) {
        // In file order, which is not the order of application.
        self = attention(weights.under("attn1"), config, channels, channels);
        feedForward = FeedForward.load(weights.under("ff"), channels);
        cross = attention(weights.under("attn2"), config, channels, config.contextDim());
        norm1 = LayerNorm.load(weights.under("norm1"), channels, EPS);
        norm2 = LayerNorm.load(weights.under("norm2"), channels, EPS);
        norm3 = LayerNorm.load(weights.under("norm3"), channels, EPS);
    }

    static TransformerBlock load(Weights weights, UNetConfig config, int channels) {
        return new TransformerBlock(weights, config, channels);
    }

    private static Attention attention(
            Weights weights, UNetConfig config, int channels, int sourceChannels) {
        return new Attention(
                new AttentionSpec(config.heads(), AttentionSpec.Mask.NONE),
                Linear.loadWithoutBias(weights.under("to_q"), channels, channels),
                Linear.loadWithoutBias(weights.under("to_k"), sourceChannels, channels),
                Linear.loadWithoutBias(weights.under("to_v"), sourceChannels, channels),
                Linear.load(weights.under("to_out.0"), channels, channels));
    }

    /**
     * Applies the block.
     *
     * @param x [N,T,C]
     * @return [N,T,C], owned by the scope of {@code ops}
     */
    Tensor forward(Ops ops, Tensor x, PreparedContext context) {
        return Sequential.run(
                ops,
                x,
                List.of(
                        this::attendSelf,
                        (inner, h) -> attendText(inner, h, context),
                        this::feedForward));
    }

    private Tensor attendSelf(Ops outer, Tensor x) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            return scope.escape(self.forward(ops, norm1.forward(ops, x), x));
        }
    }

    private Tensor attendText(Ops outer, Tensor x, PreparedContext context) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor normed = norm2.forward(ops, x);
            return scope.escape(cross.forward(ops, normed, context.of(cross), x));
        }
    }

    private Tensor feedForward(Ops outer, Tensor x) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            return scope.escape(feedForward.forward(ops, norm3.forward(ops, x), x));
        }
    }
}
