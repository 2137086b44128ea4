package dev.instaflow.backend.cuda;

import dev.instaflow.backend.LiveTensors;
import dev.instaflow.kernels.Storage;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import jcuda.driver.JCudaDriver;

/** What all that computes on one device shares: context, memory, libraries. Thread-safe. */
final class CudaEngine {
    private final CudaContext context;
    private final int capability;
    private final DevicePool pool;
    private final Launcher launcher;
    private final PinnedBuffers buffers;
    private final Transfers transfers;
    private final Products products;
    private final Convolutions convolutions;
    private final Recordings recordings;
    private final long memoryBytes;
    private final LiveTensors live = new LiveTensors();

    /**
     * @param slabBytes least that is asked of the driver at once
     */
    CudaEngine(CudaContext context, CudaSettings settings, long slabBytes) {
        this.context = context;
        this.capability = context.computeCapability();
        this.pool = new DevicePool(context, slabBytes);
        this.launcher = new Launcher(context);
        this.buffers = new PinnedBuffers(context);
        this.transfers = new Transfers(context, buffers);
        this.products = new Products(context, pool, capability);
        this.convolutions = new Convolutions(context, pool, settings.cache());
        this.recordings = new Recordings(this);
        pool.reclaimBy(recordings::forgetAll);
        this.memoryBytes = context.memory("the backend").freeBytes();
    }

    CudaContext context() {
        return context;
    }

    /** Ten times the major number and the minor one, such as 86. */
    int computeCapability() {
        return capability;
    }

    /** What was free on the device before anything was allocated. */
    long memoryBytes() {
        return memoryBytes;
    }

    DevicePool pool() {
        return pool;
    }

    Launcher launcher() {
        return launcher;
    }

    Transfers transfers() {
        return transfers;
    }

    Products products() {
        return products;
    }

    Convolutions convolutions() {
        return convolutions;
    }

    Recordings recordings() {
        return recordings;
    }

    LiveTensors live() {
        return live;
    }

    /** A fresh tensor, its values undefined. */
    Tensor allocate(String name, Shape shape, Storage type) {
        CudaStorage storage = new CudaStorage(this, pool.passing(), name, shape, type);
        return new Tensor(name, shape, Precision.dtypeOf(type), storage);
    }

    /** The memory of a tensor, which must be this device's. */
    CudaStorage storage(Tensor tensor) {
        if (tensor.storage() instanceof CudaStorage storage && storage.engine() == this) {
            return storage;
        }
        throw new IllegalArgumentException(
                "tensor " + tensor + " is not on this " + context.name() + " backend");
    }

    /**
     * Frees everything.
     *
     * @throws IllegalStateException if tensors are alive; nothing is freed then but recordings
     */
    void closeUnused() {
        recordings.forgetAll();
        live.requireNone(context.name());
        context.release(() -> JCudaDriver.cuStreamSynchronize(context.stream()));
        convolutions.close();
        products.close();
        buffers.close();
        launcher.close();
        pool.close();
        context.close();
    }
}
