package dev.instaflow.vae;

import dev.instaflow.nn.Attention;
import dev.instaflow.nn.GroupNorm;
import dev.instaflow.nn.Linear;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** The lowest resolution of encoder and decoder: residual block, attention over pixels, residual block. */
final class MiddleBlock {
    private final ResnetBlock block1;
    private final GroupNorm norm;
    private final Attention attention;
    private final ResnetBlock block2;

    private MiddleBlock(Weights weights, VaeConfig config) {
        int level = config.channelMult().size() - 1;
        int channels = config.lowestChannels();
        block1 = ResnetBlock.load(weights.under("block_1"), config, level, channels, channels);
        Weights attn = weights.under("attn_1");
        norm = GroupNorm.load(attn.under("norm"), config.norm(Activation.IDENTITY), channels);
        attention =
                new Attention(
                        new AttentionSpec(1, AttentionSpec.Mask.NONE),
                        Linear.loadPointwise(attn.under("q"), channels, channels),
                        Linear.loadPointwise(attn.under("k"), channels, channels),
                        Linear.loadPointwise(attn.under("v"), channels, channels),
                        Linear.loadPointwise(attn.under("proj_out"), channels, channels));
        block2 = ResnetBlock.load(weights.under("block_2"), config, level, channels, channels);
    }

    static MiddleBlock load(Weights weights, VaeConfig config) {
        return new MiddleBlock(weights, config);
    }

    void addTo(VaeChain chain, String prefix) {
        chain.add(prefix + "mid.block_1", block1);
        chain.add(prefix + "mid.attn_1", this::attend);
        chain.add(prefix + "mid.block_2", block2);
    }

    private Tensor attend(Ops outer, Tensor x) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Shape image = x.shape();
            long pixels = Math.multiplyExact(image.size(1), image.size(2));
            Shape tokens = Shape.of(image.size(0), pixels, image.size(3));
            Tensor normed = ops.view(norm.forward(ops, x), tokens); // [N,T,C]
            Tensor y = attention.forward(ops, normed, ops.view(x, tokens));
            return scope.escape(ops.view(y, image)); // [N,H,W,C]
        }
    }
}
