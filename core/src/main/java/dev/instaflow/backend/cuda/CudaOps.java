package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.backend.TensorScope;
import dev.instaflow.kernels.CastKernel;
import dev.instaflow.kernels.ChannelsKernel;
import dev.instaflow.kernels.ElementwiseKernel;
import dev.instaflow.kernels.EmbeddingKernel;
import dev.instaflow.kernels.FiniteKernel;
import dev.instaflow.kernels.KernelLaunch;
import dev.instaflow.kernels.Storage;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.Shapes;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Checks shapes, makes the result, and begins what computes it. Layers of networks (convolutions, products, norms,
 * attention, gates) compute in the type of the backend's precision, whatever they are given; arithmetic on tensors keeps
 * the wider type of its operands, so that a sampler's latents stay F32 beside a network in F16.
 */
final class CudaOps implements Ops {
    private final CudaEngine engine;
    private final Numerics numerics;
    private final TensorScope scope;
    private final Operands operands;
    private final NetworkLayers layers;
    private final Rearrangement rearrangement;
    private final Reading reading;

    CudaOps(CudaEngine engine, Numerics numerics, TensorScope scope) {
        this.engine = engine;
        this.numerics = numerics;
        this.scope = scope;
        this.operands = new Operands(engine, this::result);
        this.layers = new NetworkLayers(engine, numerics, operands);
        this.rearrangement = new Rearrangement(engine, operands);
        this.reading = new Reading(this);
    }

    Numerics numerics() {
        return numerics;
    }

    CudaEngine engine() {
        return engine;
    }

    Operands operands() {
        return operands;
    }

    @Override
    public Scope openScope() {
        return scope.openInner();
    }

    /** A scope that is in no other. */
    TensorScope openApart(String name) {
        return TensorScope.root(name, other -> new CudaOps(engine, numerics, other));
    }

    @Override
    public boolean replays() {
        return true;
    }

    @Override
    public Tensor replay(Program program, List<Tensor> inputs) {
        scope.checkUsable();
        return engine.recordings().run(this, program, inputs);
    }

    /** A fresh tensor of this scope, its values undefined. */
    Tensor result(String name, Shape shape, Storage type) {
        scope.checkUsable();
        return scope.own(engine.allocate(name, shape, type));
    }

    /** Memory that lasts as long as this scope. */
    Tensor scratch(long bytes) {
        return result("scratch", Shape.of((bytes + Float.BYTES - 1) / Float.BYTES), Storage.F32);
    }

    /** A fresh tensor of the network's type. */
    private Tensor layer(String name, Shape shape) {
        return result(name, shape, numerics.storage());
    }

    private void launch(KernelLaunch launch, Object what) {
        engine.launcher().launch(launch, what);
    }

    private long at(Tensor tensor) {
        return engine.storage(tensor).address();
    }

    /** A copy of a tensor. */
    Tensor copy(Tensor x) {
        Storage type = operands.typeOf(x);
        Tensor y = result(x.name(), x.shape(), type);
        copyInto(x, y);
        return y;
    }

    /** Copies the values of a tensor to one of the same shape and type. */
    void copyInto(Tensor x, Tensor y) {
        rearrangement.copy(operands.of(x, operands.typeOf(y)), y, 0, x.shape().count());
    }

    @Override
    public Tensor tensor(String name, Shape shape, float[] values) {
        engine.recordings().requireNone("values of the heap, \"" + name + "\",");
        Tensor y = result(name, Shapes.values(name, shape, values), Storage.F32);
        engine.transfers().write(at(y), values, y);
        return y;
    }

    @Override
    public float[] toArray(Tensor x) {
        float[] values = new float[Math.toIntExact(x.shape().count())];
        read(x, 0, values, values.length);
        return values;
    }

    @Override
    public void read(Tensor x, long first, float[] target, int length) {
        Objects.checkFromIndexSize(first, length, x.shape().count());
        Objects.checkFromIndexSize(0, length, target.length);
        engine.recordings().requireNone("values of " + x + " on the heap");
        scope.checkUsable();
        reading.read(x, first, target, length);
    }

    @Override
    public Tensor view(Tensor x, Shape shape) {
        scope.checkUsable();
        return scope.own(x.view(shape));
    }

    @Override
    public Tensor conv2d(ConvSpec spec, Tensor x, Tensor weight, Tensor bias) {
        Tensor y = layer(weight.name(), Shapes.conv2d(spec, x, weight, bias));
        convolution().run(spec, x, weight, bias, Optional.empty(), y);
        return y;
    }

    @Override
    public Tensor conv2dAdd(ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        Shape shape = Shapes.conv2d(spec, x, weight, bias);
        Shapes.residual("conv2dAdd", weight, residual, shape);
        Tensor y = layer(weight.name(), shape);
        convolution().run(spec, x, weight, bias, Optional.of(residual), y);
        return y;
    }

    @Override
    public Tensor conv2dAddPerChannel(
            ConvSpec spec, Tensor x, Tensor weight, Tensor bias, Tensor perChannel) {
        Tensor y = conv2d(spec, x, weight, bias);
        Shapes.addPerChannel(y, perChannel);
        addRows(y, y, perChannel);
        return y;
    }

    private ConvolutionLayer convolution() {
        return new ConvolutionLayer(engine, numerics, operands);
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight) {
        Tensor y = layer(weight.name(), Shapes.linear(x, weight));
        layers.multiply(x, weight, y);
        return y;
    }

    @Override
    public Tensor linear(Tensor x, Tensor weight, Tensor bias) {
        Shapes.linearBias(weight, bias);
        Tensor y = linear(x, weight);
        layers.addBias(y, bias, 0);
        return y;
    }

    @Override
    public Tensor linearAdd(Tensor x, Tensor weight, Tensor bias, Tensor residual) {
        Shapes.linearBias(weight, bias);
        Shapes.residual("linearAdd", weight, residual, Shapes.linear(x, weight));
        Tensor y = linear(x, weight);
        layers.addBias(y, bias, operands.of(residual, numerics.storage()));
        return y;
    }

    @Override
    public Tensor linearGeglu(Tensor x, Tensor weight, Tensor bias) {
        Shapes.linearBias(weight, bias);
        Shape shape = Shapes.linear(x, weight);
        if (shape.size(-1) % 2 != 0) {
            throw new IllegalArgumentException("linearGeglu needs an even weight: " + weight);
        }
        Tensor y = layer(weight.name(), shape.with(-1, shape.size(-1) / 2));
        try (Scope inner = openScope()) {
            Tensor both = inner.ops().linear(x, weight);
            layers.gate(both, operands.of(bias, Storage.F32), y);
        }
        return y;
    }

    @Override
    public Tensor groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta) {
        Tensor y = layer(gamma.name(), Shapes.groupNorm(spec, x, gamma, beta));
        GroupNorms.run(engine, operands, spec, x, gamma, beta, y);
        return y;
    }

    @Override
    public Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, float eps) {
        Tensor y = layer(gamma.name(), Shapes.layerNorm(x, gamma, beta));
        layers.layerNorm(x, gamma, beta, eps, y);
        return y;
    }

    @Override
    public Tensor attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
        Tensor y = layer("attention", Shapes.attention(spec, q, k, v));
        layers.attention(spec, q, k, v, y);
        return y;
    }

    NetworkLayers layers() {
        return layers;
    }

    @Override
    public Tensor activation(Activation activation, Tensor x) {
        if (activation == Activation.IDENTITY) {
            return copy(x);
        }
        Storage type = operands.typeOf(x);
        Tensor y = result(x.name(), x.shape(), type);
        launch(
                ElementwiseKernel.unary(
                        type,
                        Operands.unary(activation),
                        at(y),
                        operands.of(x, type),
                        x.shape().count()),
                y);
        return y;
    }

    @Override
    public Tensor geglu(Tensor x) {
        Tensor y = layer(x.name(), Shapes.geglu(x));
        layers.gate(x, 0, y);
        return y;
    }

    @Override
    public Tensor upsampleNearest(Tensor x, long height, long width) {
        Tensor y = result(x.name(), Shapes.upsample(x, height, width), operands.typeOf(x));
        rearrangement.upsample(x, y);
        return y;
    }

    @Override
    public Tensor concatChannels(Tensor a, Tensor b) {
        Tensor y = result("concat", Shapes.concat(-1, a, b), operands.wider(a, b));
        rearrangement.concatChannels(a, b, y);
        return y;
    }

    @Override
    public Tensor sliceChannels(Tensor x, long from, long to) {
        Tensor y = result(x.name(), Shapes.slice(-1, x, from, to), operands.typeOf(x));
        rearrangement.sliceChannels(x, from, y);
        return y;
    }

    @Override
    public Tensor concatBatch(Tensor a, Tensor b) {
        Tensor y = result("concat", Shapes.concat(0, a, b), operands.wider(a, b));
        rearrangement.concatBatch(a, b, y);
        return y;
    }

    @Override
    public Tensor sliceBatch(Tensor x, long from, long to) {
        Tensor y = result(x.name(), Shapes.slice(0, x, from, to), operands.typeOf(x));
        rearrangement.sliceBatch(x, from, y);
        return y;
    }

    @Override
    public Tensor add(Tensor a, Tensor b) {
        return binary("sum", ElementwiseKernel.Binary.ADD, a, b, Shapes.same("add", a, b));
    }

    @Override
    public Tensor multiply(Tensor a, Tensor b) {
        Shape shape = Shapes.same("multiply", a, b);
        return binary("product", ElementwiseKernel.Binary.MULTIPLY, a, b, shape);
    }

    private Tensor binary(
            String name, ElementwiseKernel.Binary function, Tensor a, Tensor b, Shape shape) {
        Storage type = operands.wider(a, b);
        Tensor y = result(name, shape, type);
        launch(
                ElementwiseKernel.binary(
                        type,
                        function,
                        at(y),
                        operands.of(a, type),
                        operands.of(b, type),
                        shape.count()),
                y);
        return y;
    }

    @Override
    public Tensor addPerChannel(Tensor x, Tensor perChannel) {
        Tensor y = result(x.name(), Shapes.addPerChannel(x, perChannel), operands.typeOf(x));
        addRows(x, y, perChannel);
        return y;
    }

    /** Adds row n of [N,C] to all pixels of sample n. */
    private void addRows(Tensor x, Tensor y, Tensor rows) {
        Storage type = operands.typeOf(y);
        ChannelsKernel.Extents extents = Operands.rowsOf(y.shape());
        launch(
                ChannelsKernel.add(
                        type,
                        at(y),
                        operands.of(x, type),
                        operands.of(rows, type),
                        extents,
                        extents.rows() / y.shape().size(0)),
                y);
    }

    @Override
    public Tensor addToEach(Tensor x, Tensor sample) {
        Storage type = operands.typeOf(x);
        Tensor y = result(x.name(), Shapes.addToEach(x, sample), type);
        long n = x.shape().size(0);
        int inner = Math.toIntExact(sample.shape().count());
        launch(
                ChannelsKernel.add(
                        type,
                        at(y),
                        operands.of(x, type),
                        operands.of(sample, type),
                        new ChannelsKernel.Extents(n, inner),
                        n),
                y);
        return y;
    }

    @Override
    public Tensor combine(float[][] coefficients, Tensor... xs) {
        Tensor y = result(xs[0].name(), Shapes.combine(coefficients, xs), Storage.F32);
        new Combination(engine, operands).run(coefficients, xs, y);
        return y;
    }

    @Override
    public Tensor gatherRows(Tensor table, int[] ids, Shape shape) {
        Shape rows = Shapes.gatherRows(table, ids, shape);
        engine.recordings().requireNone("row numbers of the heap");
        Tensor y = layer(table.name(), rows);
        int width = table.shape().intSize(1);
        try (TensorScope apart = openApart("gather")) {
            CudaOps inner = (CudaOps) apart.ops();
            Tensor numbers = inner.result("ids", shape, Storage.F32);
            engine.transfers().write(at(numbers), ids, table);
            Storage type = operands.typeOf(table);
            Tensor found = type == numerics.storage() ? y : inner.result("rows", rows, type);
            launch(
                    EmbeddingKernel.rows(
                            type,
                            at(found),
                            operands.of(table, type),
                            at(numbers),
                            new EmbeddingKernel.Extents(ids.length, width)),
                    y);
            if (found != y) {
                launch(
                        CastKernel.cast(type, numerics.storage(), at(y), at(found), rows.count()),
                        y);
            }
        }
        return y;
    }

    @Override
    public boolean isFinite(Tensor x) {
        engine.recordings().requireNone("the answer whether " + x + " is finite");
        scope.checkUsable();
        Storage type = operands.typeOf(x);
        long address = operands.of(x, type);
        Arena.Range flag = engine.pool().take(Integer.BYTES, "a flag");
        try {
            engine.transfers().clear(flag.address(), 1, x);
            launch(FiniteKernel.check(type, flag.address(), address, x.shape().count()), x);
            return engine.transfers().readInt(flag.address(), x) == 0;
        } finally {
            engine.pool().give(flag);
        }
    }
}
