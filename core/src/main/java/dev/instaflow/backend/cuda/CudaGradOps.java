package dev.instaflow.backend.cuda;

import dev.instaflow.backend.TensorScope;
import dev.instaflow.kernels.ElementwiseKernel;
import dev.instaflow.kernels.EmbeddingKernel;
import dev.instaflow.kernels.GegluKernel;
import dev.instaflow.kernels.KernelLaunch;
import dev.instaflow.kernels.ReduceKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.kernels.UpsampleKernel;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionGradients;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GradOps;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.NormGradients;
import dev.instaflow.ops.Shapes;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/**
 * Checks shapes, makes the gradients, and begins what computes them. Gradients of activations have the type that the forward
 * operation computes in, those of weights and of what is spread over positions are F32: sums over many pixels keep what F16
 * would round away, and an optimiser's moments with them.
 */
final class CudaGradOps implements GradOps {
    private final CudaOps ops;
    private final CudaEngine engine;
    private final Numerics numerics;

    CudaGradOps(CudaOps ops) {
        this.ops = ops;
        this.engine = ops.engine();
        this.numerics = ops.numerics();
    }

    private Tensor result(String name, Shape shape, Storage type) {
        return ops.result("gradient of " + name, shape, type);
    }

    /** A gradient of the network's type. */
    private Tensor layer(String name, Shape shape) {
        return result(name, shape, numerics.storage());
    }

    private void launch(KernelLaunch launch, Object what) {
        engine.launcher().launch(launch, what);
    }

    private long at(Tensor tensor) {
        return engine.storage(tensor).address();
    }

    private interface Work {
        void with(CudaOps inner);
    }

    /** Has operands converted and scratch made that ends with the work. */
    private void within(Work work) {
        try (TensorScope inner = (TensorScope) ops.openScope()) {
            work.with((CudaOps) inner.ops());
        }
    }

    @Override
    public Tensor conv2dInput(ConvSpec spec, Shape x, Tensor weight, Tensor dy) {
        Shapes.conv2dInput(spec, x, weight, dy);
        Tensor dx = layer(weight.name() + " input", x);
        within(
                inner ->
                        new ConvolutionGradients(engine, numerics, inner.operands())
                                .input(spec, weight, dy, dx));
        return dx;
    }

    @Override
    public Tensor conv2dWeight(ConvSpec spec, Tensor x, Tensor dy) {
        Tensor dw = result("conv2d weight", Shapes.conv2dWeight(spec, x, dy), Storage.F32);
        within(
                inner ->
                        new ConvolutionGradients(engine, numerics, inner.operands())
                                .kernels(spec, x, dy, dw));
        return dw;
    }

    @Override
    public Tensor linearInput(Tensor weight, Tensor dy) {
        Tensor dx = layer(weight.name() + " input", Shapes.linearInput(weight, dy));
        long in = weight.shape().size(1);
        Products.Sizes sizes =
                new Products.Sizes(dx.shape().count() / in, in, weight.shape().size(0));
        Storage type = numerics.storage();
        within(
                inner -> {
                    Products.Operands addresses =
                            new Products.Operands(
                                    at(dx),
                                    inner.operands().weight(weight, CudaWeight.Form.LINEAR, type),
                                    inner.operands().of(dy, type));
                    engine.products().inputGradient(numerics, sizes, addresses, dx);
                });
        return dx;
    }

    @Override
    public Tensor linearWeight(Tensor x, Tensor dy) {
        Tensor dw = result("linear weight", Shapes.linearWeight(x, dy), Storage.F32);
        long in = dw.shape().size(1);
        Products.Sizes sizes = new Products.Sizes(x.shape().count() / in, in, dw.shape().size(0));
        Storage type = numerics.storage();
        within(
                inner -> {
                    Products.Operands addresses =
                            new Products.Operands(
                                    inner.operands().of(x, type),
                                    at(dw),
                                    inner.operands().of(dy, type));
                    engine.products().weightGradient(numerics, sizes, addresses, dw);
                });
        return dw;
    }

    @Override
    public Tensor channelSums(Tensor dy) {
        Tensor sums = result(dy.name(), Shapes.channelSums(dy), Storage.F32);
        int n = sums.shape().intSize(0);
        int channels = sums.shape().intSize(1);
        int rows = Math.toIntExact(dy.shape().count() / n / channels);
        Storage type = ops.operands().typeOf(dy);
        ReduceKernel.Columns sizes = new ReduceKernel.Columns(type, n, rows, channels);
        within(
                inner -> {
                    long partial = at(inner.scratch(sizes.partialBytes()));
                    launch(
                            ReduceKernel.columns(sizes, partial, inner.operands().of(dy, type)),
                            sums);
                    launch(
                            ReduceKernel.chunks(ReduceKernel.Partial.of(sizes), at(sums), partial),
                            sums);
                });
        return sums;
    }

    @Override
    public NormGradients groupNorm(
            GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta, Tensor dy) {
        Shape shape = Shapes.groupNorm(spec, x, gamma, beta);
        Shapes.gradient("groupNorm", shape, dy);
        NormGradients result = normGradients(x, gamma);
        within(inner -> new NormBackward(inner, x, dy, result).groups(spec, gamma, beta));
        return result;
    }

    private NormGradients normGradients(Tensor x, Tensor gamma) {
        return new NormGradients(
                layer(x.name(), x.shape()),
                result(gamma.name(), gamma.shape(), Storage.F32),
                result("beta beside " + gamma.name(), gamma.shape(), Storage.F32));
    }

    @Override
    public NormGradients layerNorm(Tensor x, Tensor gamma, float eps, Tensor dy) {
        Shapes.gradient("layerNorm", Shapes.layerNorm(x, gamma, gamma), dy);
        NormGradients result = normGradients(x, gamma);
        within(inner -> new NormBackward(inner, x, dy, result).rows(gamma, eps));
        return result;
    }

    @Override
    public AttentionGradients attention(
            AttentionSpec spec, Tensor q, Tensor k, Tensor v, Tensor dy) {
        Shapes.gradient("attention", Shapes.attention(spec, q, k, v), dy);
        AttentionGradients result =
                new AttentionGradients(
                        layer("queries", q.shape()),
                        layer("keys", k.shape()),
                        layer("values", v.shape()));
        within(inner -> AttentionBackward.run(inner, spec, new Tensor[] {q, k, v}, dy, result));
        return result;
    }

    @Override
    public Tensor activation(Activation activation, Tensor x, Tensor dy) {
        Shape shape = Shapes.gradient("activation", x.shape(), dy);
        if (activation == Activation.IDENTITY) {
            return ops.copy(dy);
        }
        Storage type = ops.operands().typeOf(x);
        Tensor dx = result(x.name(), shape, type);
        within(
                inner ->
                        launch(
                                ElementwiseKernel.unaryGradient(
                                        type,
                                        Operands.unary(activation),
                                        at(dx),
                                        inner.operands().of(x, type),
                                        inner.operands().of(dy, type),
                                        shape.count()),
                                dx));
        return dx;
    }

    @Override
    public Tensor geglu(Tensor x, Tensor dy) {
        Shapes.gradient("geglu", Shapes.geglu(x), dy);
        Tensor dx = layer(x.name(), x.shape());
        int width = dy.shape().intSize(-1);
        int rows = Math.toIntExact(dy.shape().count() / width);
        Storage type = numerics.storage();
        within(
                inner ->
                        launch(
                                GegluKernel.backward(
                                        new GegluKernel.Spec(type, rows, width),
                                        at(dx),
                                        new GegluKernel.Input(inner.operands().of(x, type), 0),
                                        inner.operands().of(dy, type)),
                                dx));
        return dx;
    }

    @Override
    public Tensor upsampleNearest(Shape x, Tensor dy) {
        Shape to = dy.shape();
        Storage type = ops.operands().typeOf(dy);
        Tensor dx = result("upsampled", Shapes.upsampleInput(x, dy), type);
        UpsampleKernel.Spec sizes =
                new UpsampleKernel.Spec(
                        type,
                        x.intSize(0),
                        new UpsampleKernel.Extent(x.intSize(1), x.intSize(2)),
                        new UpsampleKernel.Extent(to.intSize(1), to.intSize(2)),
                        x.intSize(3));
        within(
                inner ->
                        launch(
                                UpsampleKernel.backward(
                                        sizes, at(dx), inner.operands().of(dy, type)),
                                dx));
        return dx;
    }

    @Override
    public Tensor gatherRows(Shape table, int[] ids, Tensor dy) {
        Tensor rows = result("rows", Shapes.gatherRowsTable(table, ids, dy), Storage.F32);
        engine.recordings().requireNone("row numbers of the heap");
        Storage type = ops.operands().typeOf(dy);
        EmbeddingKernel.Extents sizes = new EmbeddingKernel.Extents(ids.length, table.intSize(1));
        within(
                inner -> {
                    long numbers = at(inner.scratch((long) ids.length * Integer.BYTES));
                    engine.transfers().write(numbers, ids, rows);
                    engine.transfers().clear(at(rows), table.count(), rows);
                    launch(
                            EmbeddingKernel.rowsGradient(
                                    type, at(rows), inner.operands().of(dy, type), numbers, sizes),
                            rows);
                });
        return rows;
    }
}
