package dev.instaflow.backend.cuda;

import dev.instaflow.kernels.AttentionKernel;
import dev.instaflow.kernels.ChannelsKernel;
import dev.instaflow.kernels.GegluKernel;
import dev.instaflow.kernels.KernelLaunch;
import dev.instaflow.kernels.LayerNormKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** Layers but for convolutions and group norms, all in the type of the network; results are the caller's tensors. */
final class NetworkLayers {
    private final CudaEngine engine;
    private final Numerics numerics;
    private final Operands operands;

    NetworkLayers(CudaEngine engine, Numerics numerics, Operands operands) {
        this.engine = engine;
        this.numerics = numerics;
        this.operands = operands;
    }

    private void launch(KernelLaunch launch, Tensor y) {
        engine.launcher().launch(launch, y);
    }

    private long at(Tensor tensor) {
        return engine.storage(tensor).address();
    }

    /** A linear layer without its bias. */
    void multiply(Tensor x, Tensor weight, Tensor y) {
        long in = weight.shape().size(1);
        Products.Sizes sizes =
                new Products.Sizes(x.shape().count() / in, in, weight.shape().size(0));
        Products.Operands addresses =
                new Products.Operands(
                        operands.of(x, numerics.storage()),
                        operands.weight(weight, CudaWeight.Form.LINEAR, numerics.storage()),
                        at(y));
        engine.products().multiply(numerics, sizes, addresses, y);
    }

    /** Adds a bias to y in place, and what lies at {@code residual} unless that is 0. */
    void addBias(Tensor y, Tensor bias, long residual) {
        launch(
                ChannelsKernel.bias(
                        numerics.storage(),
                        ChannelsKernel.Then.IDENTITY,
                        at(y),
                        new ChannelsKernel.Biased(at(y), operands.of(bias, Storage.F32), residual),
                        Operands.rowsOf(y.shape())),
                y);
    }

    /** GEGLU of x after the bias at an address, 0 for none. */
    void gate(Tensor x, long bias, Tensor y) {
        int width = y.shape().intSize(-1);
        int rows = Math.toIntExact(y.shape().count() / width);
        launch(
                GegluKernel.forward(
                        new GegluKernel.Spec(numerics.storage(), rows, width),
                        at(y),
                        new GegluKernel.Input(operands.of(x, numerics.storage()), bias)),
                y);
    }

    void layerNorm(Tensor x, Tensor gamma, Tensor beta, float eps, Tensor y) {
        int channels = y.shape().intSize(-1);
        int rows = Math.toIntExact(y.shape().count() / channels);
        launch(
                LayerNormKernel.forward(
                        new LayerNormKernel.Spec(numerics.storage(), rows, channels, eps),
                        at(y),
                        operands.of(x, numerics.storage()),
                        operands.of(gamma, Storage.F32),
                        operands.of(beta, Storage.F32)),
                y);
    }

    void attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v, Tensor y) {
        Storage type = numerics.storage();
        int channels = y.shape().intSize(2);
        launch(
                AttentionKernel.forward(
                        attentionSizes(spec, y.shape(), k.shape().intSize(1)),
                        new AttentionKernel.Rows(at(y), channels),
                        0,
                        new AttentionKernel.Inputs(
                                new AttentionKernel.Rows(operands.of(q, type), channels),
                                new AttentionKernel.Rows(operands.of(k, type), channels),
                                new AttentionKernel.Rows(operands.of(v, type), channels))),
                y);
    }

    /** What computes attention of queries [N,T,C] to some keys. */
    AttentionKernel.Spec attentionSizes(AttentionSpec spec, Shape queries, int keys) {
        Storage type = numerics.storage();
        int width = queries.intSize(2) / spec.heads();
        AttentionKernel.Extents extents =
                new AttentionKernel.Extents(queries.intSize(1), keys, spec.heads(), width);
        AttentionKernel.Path path =
                AttentionKernel.Path.of(type, width, engine.computeCapability());
        AttentionKernel.Mask mask =
                spec.mask() == AttentionSpec.Mask.CAUSAL
                        ? AttentionKernel.Mask.CAUSAL
                        : AttentionKernel.Mask.NONE;
        return new AttentionKernel.Spec(type, path, queries.intSize(0), extents, mask);
    }
}
