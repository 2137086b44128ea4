package dev.instaflow.nn;

import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;

/**
 * Multi-head attention with its four projections: {@code out(attention(q(x), k(s), v(s))) + residual},
 * where the source s is x itself or a context. Vaswani et al. 2017, "Attention is all you need".
 */
public final class Attention {
    private final AttentionSpec spec;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Linear out;

    /**
     * Over loaded projections; the models disagree on their names, order and biases.
     *
     * @param spec heads and mask
     * @param query of the input
     * @param key of the source
     * @param value of the source
     * @param out of the attended values; has a bias
     */
    public Attention(AttentionSpec spec, Linear query, Linear key, Linear value, Linear out) {
        this.spec = spec;
        this.query = query;
        this.key = key;
        this.value = value;
        this.out = out;
    }

    /**
     * Keys and values of a source, which may serve many calls.
     *
     * @param k [N,S,C]
     * @param v [N,S,C]
     */
    public record KeyValue(Tensor k, Tensor v) {}

    /**
     * Projects a source.
     *
     * @param ops what to compute with
     * @param source [N,S,D]
     * @return both owned by the scope of {@code ops}
     */
    public KeyValue keyValue(Ops ops, Tensor source) {
        return new KeyValue(key.forward(ops, source), value.forward(ops, source));
    }

    /**
     * Self-attention.
     *
     * @param outer what to compute with
     * @param x [N,T,C]
     * @param residual [N,T,C]
     * @return [N,T,C], owned by the scope of {@code outer}
     */
    public Tensor forward(Ops outer, Tensor x, Tensor residual) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            return scope.escape(forward(ops, x, keyValue(ops, x), residual));
        }
    }

    /**
     * Attention to a projected source.
     *
     * @param outer what to compute with
     * @param x [N,T,C]
     * @param source from {@link #keyValue}
     * @param residual [N,T,C]
     * @return [N,T,C], owned by the scope of {@code outer}
     */
    public Tensor forward(Ops outer, Tensor x, KeyValue source, Tensor residual) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            Tensor attended =
                    ops.attention(spec, query.forward(ops, x), source.k(), source.v()); // [N,T,C]
            return scope.escape(out.forwardAdd(ops, attended, residual));
        }
    }
}
