package dev.instaflow.backend.cpu;

import dev.instaflow.backend.TensorScope;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.NormedConvolution;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.Shapes;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.Objects;

/** Checks shapes, makes the result, and hands addresses to the family that computes. */
final class CpuOps implements Ops {
    private final CpuEngine engine;
    private final Kernels kernels;
    private final TensorScope scope;

    CpuOps(CpuEngine engine, Kernels kernels, TensorScope scope) {
        this.engine = engine;
        this.kernels = kernels;
        this.scope = scope;
    }

    @Override
    public Scope openScope() {
        return scope.openInner();
    }

    CpuEngine engine() {
        return engine;
    }

    /** A fresh tensor of this scope, its values undefined. */
    Tensor result(String name, Shape shape) {
        scope.checkUsable();
        return scope.own(engine.allocate(name, shape));
    }

    private long at(Tensor tensor) {
        return engine.address(tensor);
    }

    private static long bytes(long count) {
        return CpuStorage.bytesOf(count);
    }

    @Override
    public Tensor tensor(String name, Shape shape, float[] values) {
        Tensor result = result(name, Shapes.values(name, shape, values));
        Staging staging = engine.takeStaging();
        staging.cursor.write(at(result), values, values.length);
        engine.give(staging);
        return result;
    }

    @Override
    public float[] toArray(Tensor x) {
        float[] values = new float[Math.toIntExact(x.shape().count())];
        if (engine.storage(x) instanceof PackedWeight weight) {
            MemoryPool.Block plain = engine.pool().take(bytes(values.length), x);
            try {
                kernels.packer().unpack(weight, x.shape(), plain.address());
                read(plain.address(), values, values.length);
            } finally {
                engine.pool().give(plain);
            }
        } else {
            read(at(x), values, values.length);
        }
        return values;
    }

    @Override
    public void read(Tensor x, long first, float[] target, int length) {
        Objects.checkFromIndexSize(first, length, x.shape().count());
        Objects.checkFromIndexSize(0, length, target.length);
        read(at(x) + bytes(first), target, length);
    }

    private void read(long from, float[] target, int length) {
        Staging staging = engine.takeStaging();
        staging.cursor.read(from, target, length);
        engine.give(staging);
    }

    @Override
    public Tensor view(Tensor x, Shape shape) {
        scope.checkUsable();
        return scope.own(x.view(shape));
    }

    PackedWeight packed(Tensor weight, PackedWeight.Form form) {
        if (engine.storage(weight) instanceof PackedWeight packed && packed.form() == form) {
            return packed;
        }
        throw new IllegalArgumentException(
                "weight " + weight + " was not uploaded as a " + form + " weight");
    }

    @Override
    public Tensor conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias) {
        Tensor y = result(weight.name(), Shapes.conv2d(spec, x, weight, bias));
        TransformedConvolution transformed = kernels.transformed();
        if (transformed.takes(spec, weight)) {
            transformed.run(x, weight, transformed.bias(bias), y);
        } else {
            direct(spec, x, weight, 0, y, at(bias)).run();
        }
        return y;
    }

    @Override
    public Tensor conv2dAdd(ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        Shape shape = Shapes.conv2d(spec, x, weight, bias);
        Shapes.residual("conv2dAdd", weight, residual, shape);
        Tensor y = result(weight.name(), shape);
        TransformedConvolution transformed = kernels.transformed();
        if (transformed.takes(spec, weight)) {
            transformed.run(x, weight, transformed.biasAndResidual(bias, residual), y);
        } else {
            long added = at(residual);
            direct(spec, x, weight, 1, y, at(bias)).with(added).run();
        }
        return y;
    }

    /** A call that lacks its residuals, if it has any. */
    private Plan.Call direct(
            ConvSpec spec, Tensor x, Tensor weight, int residuals, Tensor y, long bias) {
        PackedWeight w = packed(weight, PackedWeight.Form.CONV);
        long image = at(x);
        long to = at(y);
        return kernels.convolution()
                .call(spec, x.shape(), y.shape(), w, residuals)
                .with(image)
                .with(bias)
                .with(to);
    }

    @Override
    public Tensor conv2dAddPerChannel(
            ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor perChannel) {
        TransformedConvolution transformed = kernels.transformed();
        if (!transformed.takes(spec, weight)) {
            // oneDNN takes one bias for all samples. A single sample could have its own, but would
            // then differ in the last bit from the same sample in a batch.
            return Ops.super.conv2dAddPerChannel(spec, x, weight, bias, perChannel);
        }
        Tensor y = result(weight.name(), Shapes.conv2d(spec, x, weight, bias));
        Shapes.addPerChannel(y, perChannel);
        transformed.run(x, weight, transformed.biasAndPerChannel(bias, perChannel), y);
        return y;
    }

    @Override
    public Tensor normedConv2d(NormedConvolution layers, Tensor x) {
        if (!fuses(layers)) {
            return Ops.super.normedConv2d(layers, x);
        }
        Tensor y = normedResult(layers, x);
        TransformedConvolution transformed = kernels.transformed();
        transformed.runNormed(layers, x, transformed.bias(layers.bias()), y);
        return y;
    }

    @Override
    public Tensor normedConv2dAdd(NormedConvolution layers, Tensor x, Tensor residual) {
        if (!fuses(layers)) {
            return Ops.super.normedConv2dAdd(layers, x, residual);
        }
        Tensor y = normedResult(layers, x);
        Shapes.residual("normedConv2dAdd", layers.weight(), residual, y.shape());
        TransformedConvolution transformed = kernels.transformed();
        transformed.runNormed(layers, x, transformed.biasAndResidual(layers.bias(), residual), y);
        return y;
    }

    @Override
    public Tensor normedConv2dAddPerChannel(NormedConvolution layers, Tensor x, Tensor perChannel) {
        if (!fuses(layers)) {
            return Ops.super.normedConv2dAddPerChannel(layers, x, perChannel);
        }
        Tensor y = normedResult(layers, x);
        Shapes.addPerChannel(y, perChannel);
        TransformedConvolution transformed = kernels.transformed();
        transformed.runNormed(
                layers, x, transformed.biasAndPerChannel(layers.bias(), perChannel), y);
        return y;
    }

    private boolean fuses(NormedConvolution layers) {
        return kernels.transformed().takes(layers.conv(), layers.weight());
    }

    private Tensor normedResult(NormedConvolution layers, Tensor x) {
        Shapes.groupNorm(layers.norm(), x, layers.gamma(), layers.beta());
        Shape shape = Shapes.conv2d(layers.conv(), x, layers.weight(), layers.bias());
        return result(layers.weight().name(), shape);
    }

    @Override
    public Tensor upsampleConv2d(Tensor x, Tensor weight, Tensor bias) {
        TransformedConvolution transformed = kernels.transformed();
        if (!transformed.takesDoubled(weight)) {
            return Ops.super.upsampleConv2d(x, weight, bias);
        }
        Shape twice = Shapes.upsample(x, 2 * x.shape().size(1), 2 * x.shape().size(2));
        Shapes.conv2d(ConvSpec.SAME_3X3, x, weight, bias);
        Tensor y = result(weight.name(), twice.with(-1, weight.shape().size(0)));
        transformed.runDoubled(x, weight, transformed.bias(bias), y);
        return y;
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        Tensor y = result(weight.name(), Shapes.linear(x, weight));
        long from = at(x);
        long to = at(y);
        product(MatMul.Tail.NONE, x, weight).with(from).with(to).run();
        return y;
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        Tensor y = result(weight.name(), Shapes.linear(x, weight));
        Shapes.linearBias(weight, bias);
        long from = at(x);
        long b = at(bias);
        long to = at(y);
        product(MatMul.Tail.BIAS, x, weight).with(from).with(b).with(to).run();
        return y;
    }

    @Override
    public Tensor linearAdd(Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        Shape shape = Shapes.linear(x, weight);
        Shapes.linearBias(weight, bias);
        Shapes.residual("linearAdd", weight, residual, shape);
        Tensor y = result(weight.name(), shape);
        long from = at(x);
        long b = at(bias);
        long to = at(y);
        long r = at(residual);
        product(MatMul.Tail.BIAS_RESIDUAL, x, weight).with(from).with(b).with(to).with(r).run();
        return y;
    }

    /** Begins a product; nothing may fail before it is run. */
    private Plan.Call product(MatMul.Tail tail, Tensor x, Tensor weight) {
        PackedWeight w = packed(weight, PackedWeight.Form.LINEAR);
        long in = weight.shape().size(1);
        long out = weight.shape().size(0);
        return kernels.matMul().call(tail, x.shape().count() / in, w, in, out);
    }

    @Override
    public Tensor linearGeglu(Tensor x, Tensor weight, Tensor bias) {
        Shape both = Shapes.linear(x, weight);
        Shapes.linearBias(weight, bias);
        PackedWeight w = packed(weight, PackedWeight.Form.LINEAR);
        long in = weight.shape().size(1);
        long half = weight.shape().size(0) / 2;
        long rows = x.shape().count() / in;
        if (half * 2 == weight.shape().size(0)) {
            Tensor y = result(weight.name(), both.with(-1, half));
            if (kernels.matMul().geglu(rows, w, in, half, at(x), at(bias), at(y))) {
                return y;
            }
        }
        return Ops.super.linearGeglu(x, weight, bias);
    }

    @Override
    public Tensor groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta) {
        Shape shape = Shapes.groupNorm(spec, x, gamma, beta);
        Tensor y = result(gamma.name(), shape);
        kernels.normalisation().group(spec, shape, at(x), at(gamma), at(beta), at(y));
        return y;
    }

    @Override
    public Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, float eps) {
        Shape shape = Shapes.layerNorm(x, gamma, beta);
        Tensor y = result(gamma.name(), shape);
        long c = shape.size(-1);
        kernels.normalisation().layer(shape.count() / c, c, eps, at(x), at(gamma), at(beta), at(y));
        return y;
    }

    @Override
    public Tensor attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
        Tensor y = result("attention", Shapes.attention(spec, q, k, v));
        kernels.attention().run(spec, q.shape(), k.shape(), at(q), at(k), at(v), at(y));
        return y;
    }

    @Override
    public Tensor activation(Activation activation, Tensor x) {
        Tensor y = result(x.name(), x.shape());
        long count = x.shape().count();
        if (activation == Activation.IDENTITY) {
            engine.copy(at(x), at(y), count);
        } else {
            kernels.elementwise().activation(activation, count, at(x), at(y));
        }
        return y;
    }

    @Override
    public Tensor geglu(Tensor x) {
        Shape shape = Shapes.geglu(x);
        long columns = shape.size(-1);
        long rows = shape.count() / columns;
        Tensor y = result(x.name(), shape);
        MemoryPool.Block gate = engine.pool().take(bytes(shape.count()), "gate");
        try {
            long g = gate.address();
            Movement movement = kernels.movement();
            movement.copyRows(rows, columns, at(x) + bytes(columns), 2 * columns, g, columns);
            kernels.elementwise().activation(Activation.GELU, shape.count(), g, g);
            movement.copyRows(rows, columns, at(x), 2 * columns, at(y), columns);
            kernels.elementwise().multiply(shape.count(), at(y), g, at(y));
        } finally {
            engine.pool().give(gate);
        }
        return y;
    }

    @Override
    public Tensor upsampleNearest(Tensor x, long height, long width) {
        Shape shape = Shapes.upsample(x, height, width);
        Tensor y = result(x.name(), shape);
        kernels.movement().upsample(x.shape(), shape, at(x), at(y));
        return y;
    }

    @Override
    public Tensor concatChannels(Tensor a, Tensor b) {
        Shape shape = Shapes.concat(-1, a, b);
        Tensor y = result("concat", shape);
        long left = a.shape().size(-1);
        long right = b.shape().size(-1);
        long both = left + right;
        long rows = shape.count() / both;
        Movement movement = kernels.movement();
        movement.copyRows(rows, left, at(a), left, at(y), both);
        movement.copyRows(rows, right, at(b), right, at(y) + bytes(left), both);
        return y;
    }

    @Override
    public Tensor sliceChannels(Tensor x, long from, long to) {
        Shape shape = Shapes.slice(-1, x, from, to);
        Tensor y = result(x.name(), shape);
        long columns = to - from;
        long c = x.shape().size(-1);
        kernels.movement()
                .copyRows(shape.count() / columns, columns, at(x) + bytes(from), c, at(y), columns);
        return y;
    }

    @Override
    public Tensor concatBatch(Tensor a, Tensor b) {
        Tensor y = result("concat", Shapes.concat(0, a, b));
        engine.copy(at(a), at(y), a.shape().count());
        engine.copy(at(b), at(y) + bytes(a.shape().count()), b.shape().count());
        return y;
    }

    @Override
    public Tensor sliceBatch(Tensor x, long from, long to) {
        Shape shape = Shapes.slice(0, x, from, to);
        Tensor y = result(x.name(), shape);
        long sample = x.shape().count() / x.shape().size(0);
        engine.copy(at(x) + bytes(from * sample), at(y), shape.count());
        return y;
    }

    @Override
    public Tensor add(Tensor a, Tensor b) {
        Tensor y = result("sum", Shapes.same("add", a, b));
        kernels.elementwise().add(a.shape().count(), at(a), at(b), at(y));
        return y;
    }

    @Override
    public Tensor addPerChannel(Tensor x, Tensor perChannel) {
        Shape shape = Shapes.addPerChannel(x, perChannel);
        Tensor y = result(x.name(), shape);
        long c = shape.size(-1);
        long sample = shape.count() / shape.size(0);
        for (long n = 0; n < shape.size(0); n++) {
            long offset = bytes(n * sample);
            kernels.elementwise()
                    .addPerChannel(
                            sample / c,
                            c,
                            at(x) + offset,
                            at(perChannel) + bytes(n * c),
                            at(y) + offset);
        }
        return y;
    }

    @Override
    public Tensor addToEach(Tensor x, Tensor sample) {
        Shape shape = Shapes.addToEach(x, sample);
        Tensor y = result(x.name(), shape);
        long count = sample.shape().count();
        for (long n = 0; n < shape.size(0); n++) {
            long offset = bytes(n * count);
            kernels.elementwise().add(count, at(x) + offset, at(sample), at(y) + offset);
        }
        return y;
    }

    @Override
    public Tensor combine(float[][] coefficients, Tensor... xs) {
        Shape shape = Shapes.combine(coefficients, xs);
        Tensor y = result(xs[0].name(), shape);
        long sample = shape.count() / shape.size(0);
        float[] factors = new float[xs.length];
        long[] from = new long[xs.length];
        for (int n = 0; n < shape.size(0); n++) {
            long offset = bytes(n * sample);
            for (int k = 0; k < xs.length; k++) {
                factors[k] = coefficients[k][coefficients[k].length == 1 ? 0 : n];
                from[k] = at(xs[k]) + offset;
            }
            kernels.loops().combine(factors, from, sample, at(y) + offset);
        }
        return y;
    }

    @Override
    public Tensor multiply(Tensor a, Tensor b) {
        Tensor y = result("product", Shapes.same("multiply", a, b));
        kernels.elementwise().multiply(a.shape().count(), at(a), at(b), at(y));
        return y;
    }

    @Override
    public Tensor gatherRows(Tensor table, int[] ids, Shape shape) {
        Tensor y = result(table.name(), Shapes.gatherRows(table, ids, shape));
        long e = table.shape().size(1);
        for (int i = 0; i < ids.length; i++) {
            engine.copy(at(table) + bytes(ids[i] * e), at(y) + bytes(i * e), e);
        }
        return y;
    }

    @Override
    public boolean isFinite(Tensor x) {
        return kernels.loops().isFinite(at(x), x.shape().count());
    }
}
