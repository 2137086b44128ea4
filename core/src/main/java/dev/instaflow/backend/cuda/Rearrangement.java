package dev.instaflow.backend.cuda;

import dev.instaflow.kernels.ChannelsKernel;
import dev.instaflow.kernels.KernelLaunch;
import dev.instaflow.kernels.Storage;
import dev.instaflow.kernels.UpsampleKernel;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** Values in other places, none of them changed, in the type of the result; results are the caller's tensors. */
final class Rearrangement {
    private final CudaEngine engine;
    private final Operands operands;

    Rearrangement(CudaEngine engine, Operands operands) {
        this.engine = engine;
        this.operands = operands;
    }

    private void launch(KernelLaunch launch, Tensor y) {
        engine.launcher().launch(launch, y);
    }

    private long at(Tensor tensor) {
        return engine.storage(tensor).address();
    }

    /** Copies elements of y's type from an address to element {@code first} of y and on. */
    void copy(long from, Tensor y, long first, long count) {
        long size = operands.typeOf(y).sizeBytes();
        engine.transfers().copy(from, at(y) + first * size, count * size, y);
    }

    /** Nearest neighbours, to y's height and width. */
    void upsample(Tensor x, Tensor y) {
        Storage type = operands.typeOf(y);
        Shape from = x.shape();
        launch(
                UpsampleKernel.forward(
                        new UpsampleKernel.Spec(
                                type,
                                from.intSize(0),
                                new UpsampleKernel.Extent(from.intSize(1), from.intSize(2)),
                                new UpsampleKernel.Extent(
                                        y.shape().intSize(1), y.shape().intSize(2)),
                                from.intSize(3)),
                        at(y),
                        operands.of(x, type)),
                y);
    }

    void concatChannels(Tensor a, Tensor b, Tensor y) {
        Storage type = operands.typeOf(y);
        launch(
                ChannelsKernel.concat(
                        type,
                        at(y),
                        operands.of(a, type),
                        operands.of(b, type),
                        Operands.rowsOf(a.shape()),
                        b.shape().intSize(-1)),
                y);
    }

    /** As many channels as y has, beginning with {@code first}. */
    void sliceChannels(Tensor x, long first, Tensor y) {
        Storage type = operands.typeOf(y);
        launch(
                ChannelsKernel.slice(
                        type,
                        at(y),
                        operands.of(x, type),
                        Operands.rowsOf(x.shape()),
                        new ChannelsKernel.Range(Math.toIntExact(first), y.shape().intSize(-1))),
                y);
    }

    void concatBatch(Tensor a, Tensor b, Tensor y) {
        Storage type = operands.typeOf(y);
        copy(operands.of(a, type), y, 0, a.shape().count());
        copy(operands.of(b, type), y, a.shape().count(), b.shape().count());
    }

    /** As many samples as y has, beginning with {@code first}. */
    void sliceBatch(Tensor x, long first, Tensor y) {
        Storage type = operands.typeOf(y);
        long sampleBytes = x.shape().count() / x.shape().size(0) * type.sizeBytes();
        copy(operands.of(x, type) + first * sampleBytes, y, 0, y.shape().count());
    }
}
