package dev.instaflow.clip;

import dev.instaflow.nn.Attention;
import dev.instaflow.nn.Layer;
import dev.instaflow.nn.LayerNorm;
import dev.instaflow.nn.Linear;
import dev.instaflow.nn.Sequential;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import java.util.List;

/** Causal self-attention, then feed-forward; each on a normalised copy, each added. */
final class EncoderLayer implements Layer {
    private final Attention attention;
    private final LayerNorm norm1;
    private final Linear in;
    private final Linear out;
    private final LayerNorm norm2;

    private EncoderLayer(Weights weights, ClipTextConfig config) {
        int width = config.width();
        Weights attn = weights.under("self_attn");
        // In file order: key, value, query.
        Linear key = Linear.load(attn.under("k_proj"), width, width);
        Linear value = Linear.load(attn.under("v_proj"), width, width);
        Linear query = Linear.load(attn.under("q_proj"), width, width);
        Linear projection = Linear.load(attn.under("out_proj"), width, width);
        AttentionSpec causal = new AttentionSpec(config.heads(), AttentionSpec.Mask.CAUSAL);
        attention = new Attention(causal, query, key, value, projection);
        norm1 = LayerNorm.load(weights.under("layer_norm1"), width, config.eps());
        in = Linear.load(weights.under("mlp.fc1"), width, config.intermediate());
        out = Linear.load(weights.under("mlp.fc2"), config.intermediate(), width);
        norm2 = LayerNorm.load(weights.under("layer_norm2"), width, config.eps());
    }

    static EncoderLayer load(Weights weights, ClipTextConfig config) {
        return new EncoderLayer(weights, config);
    }

    /**
     * Applies the layer.
     *
     * @param x [N,T,C]
     * @return [N,T,C], owned by the scope of {@code ops}
     */
    @Override
    public Tensor forward(Ops ops, Tensor x) {
        return Sequential.run(ops, x, List.of(this::attend, this::feedForward));
    }

    private Tensor attend(Ops outer, Tensor x) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            return scope.escape(attention.forward(ops, norm1.forward(ops, x), x));
        }
    }

    private Tensor feedForward(Ops outer, Tensor x) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor h = in.forward(ops, norm2.forward(ops, x)); // [N,T,F]
            h = ops.activation(Activation.QUICK_GELU, h);
            return scope.escape(out.forwardAdd(ops, h, x)); // [N,T,C]
        }
    }
}
