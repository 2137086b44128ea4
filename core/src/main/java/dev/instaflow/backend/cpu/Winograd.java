package dev.instaflow.backend.cpu;

import dev.instaflow.backend.BackendException;
import dev.instaflow.backend.OutOfDeviceMemoryException;
import dev.instaflow.ops.Activation;
import dev.instaflow.tensor.Shape;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * 3x3 convolutions by fast algorithms: transforms as {@link AxisTransforms}, the products as one batched
 * matrix product a strip, each strip on one thread. Takes images of any size. Thread-safe.
 */
final class Winograd implements AutoCloseable {
    /** Fewer channels leave too little product to pay for the transforms. */
    private static final int FEWEST_CHANNELS = 64;

    /** Sides of an image from which on it is worth four times the memory of weights. */
    static final int LARGE_SIDE = 64;

    /** SD 1.5 has 15 in one size; each holds up to ten primitives. */
    private static final int GRIDS = 64;

    private record PlansKey(WinogradGrid grid, int layout) {}

    private final CpuEngine engine;
    private final Elementwise elementwise;
    private final AxisTransforms transforms;
    private final Map<Shape, Boolean> fast = new ConcurrentHashMap<>();
    private final HeldCache<PlansKey, StripPlans> known = new HeldCache<>(GRIDS);
    private StripMemory idle;

    Winograd(CpuEngine engine, Elementwise elementwise) {
        this.engine = engine;
        this.elementwise = elementwise;
        this.transforms = new AxisTransforms(engine);
    }

    /** {@code then(x * scale + shift)} before the convolution, vectors [N,Ci] at these addresses. */
    record Prologue(Activation then, long scale, long shift) {
        /** The image as it is. */
        static final Prologue NONE = new Prologue(Activation.IDENTITY, 0, 0);
    }

    /**
     * What goes into a convolution and where its result goes, as addresses.
     *
     * @param image [N,H,W,Ci]
     * @param bias [Co]; [N,Co] if {@code biasStep} is Co
     * @param biasStep values from a sample's bias to the next one's
     * @param residual [N,H',W',Co], or 0
     * @param result [N,H',W',Co]
     */
    record Operands(long image, long bias, long biasStep, long residual, long result) {}

    /**
     * Whether weights [Co,Ci,3,3] are better used this way: enough channels, and optimised primitives
     * for them on this processor.
     */
    boolean suits(WinogradBasis basis, Shape weight) {
        int out = weight.intSize(0);
        int in = weight.intSize(1);
        return Math.min(in, out) >= FEWEST_CHANNELS
                && engine.canLimitThreads()
                && fast.computeIfAbsent(
                        Shape.of(basis.number(), in, out), key -> isFast(basis, in, out));
    }

    /** For people: what {@link #suits} has found on this processor, if it has been asked. */
    String choice() {
        if (fast.isEmpty()) {
            return "";
        }
        return fast.containsValue(true) ? ", fast 3x3 convolutions" : ", direct convolutions alone";
    }

    private boolean isFast(WinogradBasis basis, int in, int out) {
        WinogradGrid grid = WinogradGrid.typical(basis, in, out);
        try {
            StripPlans plans = plans(grid, new StripProducts(engine).preferred(grid));
            boolean optimised = plans.areOptimised();
            plans.release();
            return optimised;
        } catch (OutOfDeviceMemoryException e) {
            throw e; // says nothing about the processor
        } catch (BackendException e) {
            return false;
        }
    }

    /** The held primitives of a grid, for kernels in that layout. */
    private StripPlans plans(WinogradGrid grid, Layout kernels) {
        PlansKey key = new PlansKey(grid, kernels.number());
        StripPlans plans = known.get(key);
        return plans != null
                ? plans
                : known.add(key, new StripPlans(engine, transforms, elementwise, grid, kernels));
    }

    /** The shared layout of the transformed kernels of a weight [Co,Ci,3,3]. */
    Layout preferred(WinogradBasis basis, Shape weight) {
        return new StripProducts(engine)
                .preferred(WinogradGrid.typical(basis, weight.intSize(1), weight.intSize(0)));
    }

    /** Convolves images [N,H,W,Ci] with a weight whose kernels are transformed. */
    void run(
            WinogradBasis basis,
            Shape x,
            Shape y,
            PackedWeight weight,
            Prologue prologue,
            Operands at) {
        WinogradGrid grid = WinogradGrid.of(basis, x, y.intSize(3));
        long imageBytes = CpuStorage.bytesOf(x.count() / x.size(0));
        long resultBytes = CpuStorage.bytesOf(y.count() / y.size(0));
        StripPlans plans = plans(grid, weight.layout());
        try (PackedWeight.Use kernels = weight.in(plans.products().weights())) {
            for (int n = 0; n < x.size(0); n++) {
                WinogradRun.Addresses addresses =
                        new WinogradRun.Addresses(
                                at.image + n * imageBytes,
                                kernels.address(),
                                at.bias + CpuStorage.bytesOf(n * at.biasStep),
                                at.residual == 0 ? 0 : at.residual + n * resultBytes,
                                at.result + n * resultBytes);
                StripWindow window = window(grid, plans, prologue, n);
                WinogradRun run = new WinogradRun(this, grid, plans, window, addresses);
                engine.workers().run(grid.chains(), run);
            }
        } finally {
            plans.release();
        }
    }

    private static StripWindow window(
            WinogradGrid grid, StripPlans plans, Prologue prologue, int sample) {
        if (prologue.scale == 0) {
            return StripWindow.plain(grid);
        }
        long offset = CpuStorage.bytesOf((long) sample * grid.in());
        Plan[] passes = plans.passes(prologue.then);
        return StripWindow.scaled(grid, passes, prologue.scale + offset, prologue.shift + offset);
    }

    CpuEngine engine() {
        return engine;
    }

    /** Memory for a strip of that grid, to be given back. */
    synchronized StripMemory takeMemory(WinogradGrid grid) {
        StripMemory memory = idle == null ? new StripMemory() : idle;
        idle = memory.next;
        memory.reserve(engine.pool(), grid);
        return memory;
    }

    synchronized void give(StripMemory memory) {
        memory.next = idle;
        idle = memory;
    }

    /** Gives the memory of strips that nobody computes back to the pool. */
    synchronized void releaseIdle() {
        for (StripMemory memory = idle; memory != null; memory = memory.next) {
            memory.free(engine.pool());
        }
        idle = null;
    }

    @Override
    public synchronized void close() {
        known.close();
        transforms.close();
        releaseIdle();
    }
}
