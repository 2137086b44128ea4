package dev.instaflow.benchmarks.torch;

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
import java.util.Arrays;
import java.util.function.Supplier;

/** Checks shapes, hands the work to {@link Aten}, and gives the results to a scope. */
final class TorchOps implements Ops {
    private final TorchBackend backend;
    private final TensorScope scope;

    TorchOps(TorchBackend backend, TensorScope scope) {
        this.backend = backend;
        this.scope = scope;
    }

    /** The native tensor, in the logical shape: a view may have another shape than its storage. */
    private static org.bytedeco.pytorch.Tensor at(Tensor x) {
        if (!(x.storage() instanceof TorchStorage storage)) {
            throw new IllegalArgumentException("tensor " + x + " is not on libtorch");
        }
        return storage.values().view(Aten.sizes(x.shape()));
    }

    private Tensor result(String name, Shape shape, Supplier<org.bytedeco.pytorch.Tensor> work) {
        scope.checkUsable();
        return scope.own(backend.adopt(name, shape, Aten.compute(work)));
    }

    @Override
    public Scope openScope() {
        return scope.openInner();
    }

    @Override
    public Tensor tensor(String name, Shape shape, float[] values) {
        Shapes.values(name, shape, values);
        return result(name, shape, () -> Aten.of(shape, values));
    }

    @Override
    public float[] toArray(Tensor x) {
        scope.checkUsable();
        return Aten.inScope(() -> Aten.toArray(at(x)));
    }

    @Override
    public Tensor view(Tensor x, Shape shape) {
        scope.checkUsable();
        return scope.own(x.view(shape));
    }

    @Override
    public Tensor conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias) {
        Shape shape = Shapes.conv2d(spec, x, weight, bias);
        return result(
                "conv2d " + weight.name(),
                shape,
                () -> Aten.conv2d(spec, at(x), at(weight), at(bias)));
    }

    @Override
    public Tensor conv2dAdd(ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        Shape shape = Shapes.conv2d(spec, x, weight, bias);
        requireShape("conv2dAdd", shape, residual);
        return result(
                "conv2d " + weight.name(),
                shape,
                () ->
                        Aten.plusInPlace(
                                Aten.conv2d(spec, at(x), at(weight), at(bias)), at(residual)));
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        Shape shape = Shapes.linear(x, weight);
        return result("linear " + weight.name(), shape, () -> Aten.linear(at(x), at(weight)));
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        Shape shape = Shapes.linear(x, weight);
        return result(
                "linear " + weight.name(),
                shape,
                () -> Aten.linear(at(x), at(weight), at(bias)));
    }

    @Override
    public Tensor linearAdd(Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        Shape shape = Shapes.linear(x, weight);
        requireShape("linearAdd", shape, residual);
        return result(
                "linear " + weight.name(),
                shape,
                () ->
                        Aten.plusInPlace(
                                Aten.linear(at(x), at(weight), at(bias)), at(residual)));
    }

    private static void requireShape(String what, Shape shape, Tensor residual) {
        if (!residual.shape().equals(shape)) {
            throw new IllegalArgumentException(
                    "%s: the residual must be %s, is %s".formatted(what, shape, residual));
        }
    }

    @Override
    public Tensor groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta) {
        Shape shape = Shapes.groupNorm(spec, x, gamma, beta);
        return result(
                "groupNorm " + gamma.name(),
                shape,
                () -> Aten.groupNorm(spec, at(x), at(gamma), at(beta)));
    }

    @Override
    public Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, float eps) {
        Shape shape = Shapes.layerNorm(x, gamma, beta);
        return result(
                "layerNorm " + gamma.name(),
                shape,
                () -> Aten.layerNorm(at(x), at(gamma), at(beta), eps));
    }

    @Override
    public Tensor attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
        Shape shape = Shapes.attention(spec, q, k, v);
        return backend.withoutBlasThreads(
                () -> result("attention", shape, () -> Aten.attention(spec, at(q), at(k), at(v))));
    }

    @Override
    public Tensor activation(Activation activation, Tensor x) {
        return result(x.name(), x.shape(), () -> Aten.activation(activation, at(x)));
    }

    @Override
    public Tensor geglu(Tensor x) {
        return result("geglu", Shapes.geglu(x), () -> Aten.geglu(at(x)));
    }

    @Override
    public Tensor upsampleNearest(Tensor x, long height, long width) {
        Shape shape = Shapes.upsample(x, height, width);
        return result("upsample", shape, () -> Aten.upsampleNearest(at(x), height, width));
    }

    @Override
    public Tensor concatChannels(Tensor a, Tensor b) {
        return result("concat", Shapes.concat(-1, a, b), () -> Aten.concat(-1, at(a), at(b)));
    }

    @Override
    public Tensor sliceChannels(Tensor x, long from, long to) {
        Shape shape = Shapes.slice(-1, x, from, to);
        return result(x.name(), shape, () -> Aten.slice(-1, at(x), from, to));
    }

    @Override
    public Tensor concatBatch(Tensor a, Tensor b) {
        return result(a.name(), Shapes.concat(0, a, b), () -> Aten.concat(0, at(a), at(b)));
    }

    @Override
    public Tensor sliceBatch(Tensor x, long from, long to) {
        Shape shape = Shapes.slice(0, x, from, to);
        return result(x.name(), shape, () -> Aten.slice(0, at(x), from, to));
    }

    @Override
    public Tensor add(Tensor a, Tensor b) {
        return result("sum", Shapes.same("add", a, b), () -> at(a).add(at(b)));
    }

    @Override
    public Tensor addPerChannel(Tensor x, Tensor perChannel) {
        Shape shape = Shapes.addPerChannel(x, perChannel);
        return result(x.name(), shape, () -> Aten.addPerChannel(at(x), at(perChannel)));
    }

    @Override
    public Tensor addToEach(Tensor x, Tensor sample) {
        return result(x.name(), Shapes.addToEach(x, sample), () -> at(x).add(at(sample)));
    }

    @Override
    public Tensor combine(float[][] coefficients, Tensor... xs) {
        Shape shape = Shapes.combine(coefficients, xs);
        return result(
                xs[0].name(),
                shape,
                () ->
                        Aten.combine(
                                coefficients,
                                Arrays.stream(xs)
                                        .map(TorchOps::at)
                                        .toArray(org.bytedeco.pytorch.Tensor[]::new)));
    }

    @Override
    public Tensor multiply(Tensor a, Tensor b) {
        return result("product", Shapes.same("multiply", a, b), () -> at(a).mul(at(b)));
    }

    @Override
    public Tensor gatherRows(Tensor table, int[] ids, Shape shape) {
        Shape rows = Shapes.gatherRows(table, ids, shape);
        return result("rows of " + table.name(), rows, () -> Aten.gatherRows(at(table), ids));
    }

    @Override
    public boolean isFinite(Tensor x) {
        scope.checkUsable();
        return Aten.inScope(() -> Aten.isFinite(at(x)));
    }
}
