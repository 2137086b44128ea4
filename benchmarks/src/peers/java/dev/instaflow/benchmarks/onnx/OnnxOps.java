package dev.instaflow.benchmarks.onnx;

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

/** Checks shapes, records {@link Nodes}, and gives the results to a scope. */
final class OnnxOps implements Ops {
    private final OnnxBackend backend;
    private final TensorScope scope;

    OnnxOps(OnnxBackend backend, TensorScope scope) {
        this.backend = backend;
        this.scope = scope;
    }

    /** What a tensor stands for, in its shape: a view may have another shape than its storage. */
    static Value at(Tensor x) {
        if (!(x.storage() instanceof OnnxStorage storage)) {
            throw new IllegalArgumentException("tensor " + x + " is not on ONNX Runtime");
        }
        return Nodes.view(storage.value(), x.shape());
    }

    private Tensor result(String name, Shape shape, Value value) {
        scope.checkUsable();
        return scope.own(backend.adopt(name, shape, value));
    }

    @Override
    public Scope openScope() {
        return scope.openInner();
    }

    @Override
    public Tensor tensor(String name, Shape shape, float[] values) {
        return result(name, Shapes.values(name, shape, values), Memory.feed(shape, values));
    }

    @Override
    public float[] toArray(Tensor x) {
        scope.checkUsable();
        return Memory.toArray(x.shape(), backend.run(at(x)));
    }

    @Override
    public Tensor view(Tensor x, Shape shape) {
        scope.checkUsable();
        return result(x.name(), x.view(shape));
    }

    /** Recorded once here, not at each use. */
    private Tensor result(String name, Tensor view) {
        try (view) {
            return result(name, view.shape(), at(view));
        }
    }

    @Override
    public Tensor conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias) {
        Shape shape = Shapes.conv2d(spec, x, weight, bias);
        Value kernel = ((OnnxStorage) weight.storage()).value();
        return result(
                "conv2d " + weight.name(),
                shape,
                Nodes.conv2d(spec, shape, at(x), kernel, at(bias)));
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        Shape shape = Shapes.linear(x, weight);
        return result("linear " + weight.name(), shape, Nodes.linear(shape, at(x), at(weight)));
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        Shape shape = Shapes.linear(x, weight);
        return result(
                "linear " + weight.name(),
                shape,
                Nodes.linear(shape, at(x), at(weight), at(bias)));
    }

    @Override
    public Tensor groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta) {
        Shape shape = Shapes.groupNorm(spec, x, gamma, beta);
        return result(
                "groupNorm " + gamma.name(),
                shape,
                Nodes.groupNorm(spec, at(x), at(gamma), at(beta)));
    }

    @Override
    public Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, float eps) {
        Shape shape = Shapes.layerNorm(x, gamma, beta);
        return result(
                "layerNorm " + gamma.name(),
                shape,
                Nodes.layerNorm(at(x), at(gamma), at(beta), eps));
    }

    @Override
    public Tensor attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
        Shape shape = Shapes.attention(spec, q, k, v);
        return result("attention", shape, Nodes.attention(spec, at(q), at(k), at(v)));
    }

    @Override
    public Tensor activation(Activation activation, Tensor x) {
        return result(x.name(), x.shape(), Nodes.activation(activation, at(x)));
    }

    @Override
    public Tensor geglu(Tensor x) {
        Shape shape = Shapes.geglu(x);
        return result("geglu", shape, Nodes.geglu(shape, at(x)));
    }

    @Override
    public Tensor upsampleNearest(Tensor x, long height, long width) {
        Shape shape = Shapes.upsample(x, height, width);
        return result("upsample", shape, Nodes.upsample(shape, at(x)));
    }

    @Override
    public Tensor concatChannels(Tensor a, Tensor b) {
        Shape shape = Shapes.concat(-1, a, b);
        return result("concat", shape, Nodes.concatChannels(shape, at(a), at(b)));
    }

    @Override
    public Tensor sliceChannels(Tensor x, long from, long to) {
        Shape shape = Shapes.slice(-1, x, from, to);
        return result(x.name(), shape, Nodes.sliceChannels(shape, at(x), from, to));
    }

    @Override
    public Tensor concatBatch(Tensor a, Tensor b) {
        Shape shape = Shapes.concat(0, a, b);
        return result(a.name(), shape, Nodes.concatBatch(shape, at(a), at(b)));
    }

    @Override
    public Tensor sliceBatch(Tensor x, long from, long to) {
        Shape shape = Shapes.slice(0, x, from, to);
        return result(x.name(), shape, Nodes.sliceBatch(shape, at(x), from, to));
    }

    @Override
    public Tensor add(Tensor a, Tensor b) {
        return result("sum", Shapes.same("add", a, b), Nodes.add(at(a), at(b)));
    }

    @Override
    public Tensor addPerChannel(Tensor x, Tensor perChannel) {
        Shape shape = Shapes.addPerChannel(x, perChannel);
        return result(x.name(), shape, Nodes.addPerChannel(at(x), at(perChannel)));
    }

    @Override
    public Tensor addToEach(Tensor x, Tensor sample) {
        Shape shape = Shapes.addToEach(x, sample);
        return result(x.name(), shape, Nodes.addToEach(at(x), at(sample)));
    }

    @Override
    public Tensor combine(float[][] coefficients, Tensor... xs) {
        Shape shape = Shapes.combine(coefficients, xs);
        Value sum = scaled(coefficients[0], xs[0]);
        for (int k = 1; k < xs.length; k++) {
            sum = Nodes.add(sum, scaled(coefficients[k], xs[k]));
        }
        return result(xs[0].name(), shape, sum);
    }

    private static Value scaled(float[] coefficients, Tensor x) {
        return Nodes.scale(at(x), Memory.feed(Shape.of(coefficients.length), coefficients));
    }

    @Override
    public Tensor multiply(Tensor a, Tensor b) {
        return result("product", Shapes.same("multiply", a, b), Nodes.multiply(at(a), at(b)));
    }

    @Override
    public Tensor gatherRows(Tensor table, int[] ids, Shape shape) {
        Shape rows = Shapes.gatherRows(table, ids, shape);
        Value indices = Memory.indices(shape, ids);
        return result("rows of " + table.name(), rows, Nodes.gatherRows(rows, at(table), indices));
    }

    @Override
    public boolean isFinite(Tensor x) {
        for (float value : toArray(x)) {
            if (!Float.isFinite(value)) {
                return false;
            }
        }
        return true;
    }
}
