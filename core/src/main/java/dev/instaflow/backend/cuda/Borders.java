package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.kernels.ChannelsKernel;
import dev.instaflow.kernels.KernelLaunch;
import dev.instaflow.kernels.Storage;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** What cuDNN cannot pad, which is all that is not alike on opposite sides: zeros around images, put there and cut off. */
final class Borders {
    private final CudaEngine engine;
    private final Storage type;
    private final ConvSpec spec;
    private final Shape inner;
    private final Shape wide;
    private final Shape whole;

    /** Around images [N,H,W,C]. */
    Borders(CudaEngine engine, Storage type, ConvSpec spec, Shape inner) {
        this.engine = engine;
        this.type = type;
        this.spec = spec;
        this.inner = inner;
        this.wide = inner.with(2, inner.size(2) + spec.left() + spec.right());
        this.whole = wide.with(1, wide.size(1) + spec.top() + spec.bottom());
    }

    /** Whether cuDNN pads itself. */
    static boolean areEven(ConvSpec spec) {
        return spec.top() == spec.bottom()
                && spec.left() == spec.right()
                && spec.top() == spec.left();
    }

    /** The sizes with borders. */
    Shape whole() {
        return whole;
    }

    /** The convolution that is left where the borders are there already. */
    ConvSpec bare() {
        return new ConvSpec(spec.kernel(), spec.stride(), 0, 0, 0, 0);
    }

    /** What is done with an image that is only there meanwhile. */
    interface Work {
        void with(long image);
    }

    /** Memory for the images with borders, its values undefined. */
    void inWhole(Tensor what, Work work) {
        in(whole, what, work);
    }

    private void in(Shape shape, Tensor what, Work work) {
        long bytes = Math.multiplyExact(shape.count(), type.sizeBytes());
        Arena.Range range = engine.pool().take(bytes, what);
        try {
            work.with(range.address());
        } finally {
            engine.pool().give(range);
        }
    }

    /** Zeros to the left and right of each row, then above and below each sample. */
    void put(long from, long to, Tensor what) {
        in(
                wide,
                what,
                rows -> {
                    launch(ChannelsKernel.pad(type, rows, from, rowsOf(), inRow()), what);
                    launch(ChannelsKernel.pad(type, to, rows, images(), inImage()), what);
                });
    }

    /** Leaves away what {@link #put} adds. */
    void cut(long from, long to, Tensor what) {
        in(
                wide,
                what,
                rows -> {
                    launch(ChannelsKernel.slice(type, rows, from, images(), inImage()), what);
                    launch(ChannelsKernel.slice(type, to, rows, rowsOf(), inRow()), what);
                });
    }

    private ChannelsKernel.Extents rowsOf() {
        return new ChannelsKernel.Extents(
                inner.size(0) * inner.size(1), wide.intSize(2) * inner.intSize(3));
    }

    private ChannelsKernel.Range inRow() {
        int c = inner.intSize(3);
        return new ChannelsKernel.Range(spec.left() * c, inner.intSize(2) * c);
    }

    private ChannelsKernel.Extents images() {
        return new ChannelsKernel.Extents(inner.size(0), whole.intSize(1) * rowElements());
    }

    private ChannelsKernel.Range inImage() {
        return new ChannelsKernel.Range(
                spec.top() * rowElements(), inner.intSize(1) * rowElements());
    }

    private int rowElements() {
        return wide.intSize(2) * inner.intSize(3);
    }

    private void launch(KernelLaunch launch, Tensor what) {
        engine.launcher().launch(launch, what);
    }
}
