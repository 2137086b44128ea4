package dev.instaflow.benchmarks;

import dev.instaflow.backend.TensorScope;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.Shapes;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/**
 * Computes shapes and counts the additions and multiplications that a direct computation of them takes, two
 * for each product in a sum: convolutions, linear layers and attention. Norms, activations and sums are a
 * few per element and not counted, nor are masked pairs of queries and keys.
 */
final class FlopOps implements Ops {
    private static final double PRODUCT = 2;

    private final FlopBackend backend;
    private final TensorScope scope;

    FlopOps(FlopBackend backend, TensorScope scope) {
        this.backend = backend;
        this.scope = scope;
    }

    private Tensor result(Shape shape) {
        scope.checkUsable();
        return scope.own(FlopBackend.tensor("counted", shape));
    }

    /** A result of which each element is a sum of products. */
    private Tensor sums(Shape shape, double terms) {
        backend.count(PRODUCT * shape.count() * terms);
        return result(shape);
    }

    @Override
    public Scope openScope() {
        return scope.openInner();
    }

    @Override
    public Tensor tensor(String name, Shape shape, float[] values) {
        return result(Shapes.values(name, shape, values));
    }

    /** Zeros. */
    @Override
    public float[] toArray(Tensor x) {
        return new float[Math.toIntExact(x.shape().count())];
    }

    @Override
    public Tensor view(Tensor x, Shape shape) {
        return scope.own(x.view(shape));
    }

    @Override
    public Tensor conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias) {
        Shape shape = Shapes.conv2d(spec, x, weight, bias);
        return sums(shape, (double) weight.shape().count() / weight.shape().size(0));
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        return sums(Shapes.linear(x, weight), weight.shape().size(1));
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        return linear(x, weight);
    }

    @Override
    public Tensor groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta) {
        return result(Shapes.groupNorm(spec, x, gamma, beta));
    }

    @Override
    public Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, float eps) {
        return result(Shapes.layerNorm(x, gamma, beta));
    }

    /** Each query takes two products a channel for each key that it sees. */
    @Override
    public Tensor attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
        Shape shape = Shapes.attention(spec, q, k, v);
        double keys = k.shape().size(1);
        double seen = spec.mask() == AttentionSpec.Mask.CAUSAL ? (keys + 1) / 2 : keys;
        return sums(shape, 2 * seen);
    }

    @Override
    public Tensor activation(Activation activation, Tensor x) {
        return result(x.shape());
    }

    @Override
    public Tensor geglu(Tensor x) {
        return result(Shapes.geglu(x));
    }

    @Override
    public Tensor upsampleNearest(Tensor x, long height, long width) {
        return result(Shapes.upsample(x, height, width));
    }

    @Override
    public Tensor concatChannels(Tensor a, Tensor b) {
        return result(Shapes.concat(-1, a, b));
    }

    @Override
    public Tensor sliceChannels(Tensor x, long from, long to) {
        return result(Shapes.slice(-1, x, from, to));
    }

    @Override
    public Tensor concatBatch(Tensor a, Tensor b) {
        return result(Shapes.concat(0, a, b));
    }

    @Override
    public Tensor sliceBatch(Tensor x, long from, long to) {
        return result(Shapes.slice(0, x, from, to));
    }

    @Override
    public Tensor add(Tensor a, Tensor b) {
        return result(Shapes.same("add", a, b));
    }

    @Override
    public Tensor addPerChannel(Tensor x, Tensor perChannel) {
        return result(Shapes.addPerChannel(x, perChannel));
    }

    @Override
    public Tensor addToEach(Tensor x, Tensor sample) {
        return result(Shapes.addToEach(x, sample));
    }

    @Override
    public Tensor combine(float[][] coefficients, Tensor... xs) {
        return result(Shapes.combine(coefficients, xs));
    }

    @Override
    public Tensor multiply(Tensor a, Tensor b) {
        return result(Shapes.same("multiply", a, b));
    }

    @Override
    public Tensor gatherRows(Tensor table, int[] ids, Shape shape) {
        return result(Shapes.gatherRows(table, ids, shape));
    }

    @Override
    public boolean isFinite(Tensor x) {
        return true;
    }
}
