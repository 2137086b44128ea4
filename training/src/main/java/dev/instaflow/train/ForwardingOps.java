package dev.instaflow.train;

import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.function.Function;

/**
 * Operations that leave the computing to others, inside scopes and blocks too; fused ones fall apart into
 * what a tape records. A subclass changes or watches some of them.
 */
public abstract class ForwardingOps implements Ops {
    private final Ops inner;

    /**
     * Over other operations.
     *
     * @param inner compute
     */
    protected ForwardingOps(Ops inner) {
        this.inner = inner;
    }

    /**
     * What computes.
     *
     * @return as given
     */
    protected final Ops inner() {
        return inner;
    }

    /**
     * The same over the operations of a scope or block inside.
     *
     * @param other of the inner scope
     * @return what its body sees
     */
    protected abstract Ops over(Ops other);

    /**
     * Told of each result.
     *
     * @param y what was computed
     * @param inputs of what
     * @return {@code y}
     */
    protected Tensor made(Tensor y, Tensor... inputs) {
        return y;
    }

    @Override
    public Scope openScope() {
        Scope scope = inner.openScope();
        Ops ops = over(scope.ops());
        return new Scope() {
            @Override
            public Ops ops() {
                return ops;
            }

            @Override
            public Tensor escape(Tensor tensor) {
                return scope.escape(tensor);
            }

            @Override
            public void close() {
                scope.close();
            }
        };
    }

    @Override
    public Tensor block(Function<Ops, Tensor> body) {
        return inner.block(ops -> body.apply(over(ops)));
    }

    @Override
    public Tensor tensor(String name, Shape shape, float[] values) {
        return inner.tensor(name, shape, values);
    }

    @Override
    public float[] toArray(Tensor x) {
        return inner.toArray(x);
    }

    @Override
    public void read(Tensor x, long first, float[] target, int length) {
        inner.read(x, first, target, length);
    }

    @Override
    public boolean isFinite(Tensor x) {
        return inner.isFinite(x);
    }

    @Override
    public Tensor view(Tensor x, Shape shape) {
        return made(inner.view(x, shape), x);
    }

    @Override
    public Tensor conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias) {
        return made(inner.conv2d(spec, x, weight, bias), x, weight, bias);
    }

    @Override
    public Tensor conv2dAdd(ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        Tensor y = inner.conv2dAdd(spec, x, weight, bias, residual);
        return made(y, x, weight, bias, residual);
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        return made(inner.linear(x, weight), x, weight);
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        return made(inner.linear(x, weight, bias), x, weight, bias);
    }

    @Override
    public Tensor linearAdd(Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        return made(inner.linearAdd(x, weight, bias, residual), x, weight, bias, residual);
    }

    @Override
    public Tensor groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta) {
        return made(inner.groupNorm(spec, x, gamma, beta), x, gamma, beta);
    }

    @Override
    public Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, float eps) {
        return made(inner.layerNorm(x, gamma, beta, eps), x, gamma, beta);
    }

    @Override
    public Tensor attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
        return made(inner.attention(spec, q, k, v), q, k, v);
    }

    @Override
    public Tensor activation(Activation activation, Tensor x) {
        return made(inner.activation(activation, x), x);
    }

    @Override
    public Tensor geglu(Tensor x) {
        return made(inner.geglu(x), x);
    }

    @Override
    public Tensor upsampleNearest(Tensor x, long height, long width) {
        return made(inner.upsampleNearest(x, height, width), x);
    }

    @Override
    public Tensor concatChannels(Tensor a, Tensor b) {
        return made(inner.concatChannels(a, b), a, b);
    }

    @Override
    public Tensor sliceChannels(Tensor x, long from, long to) {
        return made(inner.sliceChannels(x, from, to), x);
    }

    @Override
    public Tensor concatBatch(Tensor a, Tensor b) {
        return made(inner.concatBatch(a, b), a, b);
    }

    @Override
    public Tensor sliceBatch(Tensor x, long from, long to) {
        return made(inner.sliceBatch(x, from, to), x);
    }

    @Override
    public Tensor add(Tensor a, Tensor b) {
        return made(inner.add(a, b), a, b);
    }

    @Override
    public Tensor addPerChannel(Tensor x, Tensor perChannel) {
        return made(inner.addPerChannel(x, perChannel), x, perChannel);
    }

    @Override
    public Tensor addToEach(Tensor x, Tensor sample) {
        return made(inner.addToEach(x, sample), x, sample);
    }

    @Override
    public Tensor combine(float[][] coefficients, Tensor... xs) {
        return made(inner.combine(coefficients, xs), xs);
    }

    @Override
    public Tensor multiply(Tensor a, Tensor b) {
        return made(inner.multiply(a, b), a, b);
    }

    @Override
    public Tensor gatherRows(Tensor table, int[] ids, Shape shape) {
        return made(inner.gatherRows(table, ids, shape), table);
    }
}
