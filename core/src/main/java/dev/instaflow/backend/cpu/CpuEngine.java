package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.backend.LiveTensors;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import org.bytedeco.dnnl.dnnl_engine;

/**
 * What all operations of one backend share: oneDNN's engine, memory, primitives, threads and the set of
 * weight layouts in use. Thread-safe.
 */
final class CpuEngine implements AutoCloseable {
    /** A full SD 1.5 pipeline at one size needs about 300 primitives. */
    private static final int PLANS = 2048;

    private final dnnl_engine handle;
    private final MemoryPool pool;
    private final LiveTensors live;
    private final SharedLayouts layouts;
    private final OpenMp openMp;
    private final PlanCache plans = new PlanCache(PLANS);
    private final Workers workers;
    private final int threads;
    private Staging idleStaging;

    /** To be made after {@link OneDnn#load}. */
    CpuEngine(int threads, OpenMp openMp) {
        this.threads = threads;
        this.openMp = openMp;
        handle = new dnnl_engine();
        OneDnn.check(dnnl_engine_create(handle, dnnl_cpu, 0), "dnnl_engine_create", "the CPU");
        pool = new MemoryPool();
        live = new LiveTensors();
        layouts = new SharedLayouts();
        workers = new Workers(threads);
    }

    private CpuEngine(CpuEngine whole) {
        threads = 1;
        openMp = whole.openMp;
        handle = whole.handle;
        pool = whole.pool;
        live = whole.live;
        layouts = whole.layouts;
        workers = new Workers(threads);
    }

    /**
     * A view of this engine that computes on the calling thread alone, on the same tensors and weights: its
     * primitives are made for one thread. To be closed by {@link
     * #closeLane} before this engine.
     */
    CpuEngine lane() {
        return new CpuEngine(this);
    }

    /** Gives up what a lane does not share. */
    void closeLane() {
        workers.close();
        plans.close();
    }

    dnnl_engine handle() {
        return handle;
    }

    MemoryPool pool() {
        return pool;
    }

    PlanCache plans() {
        return plans;
    }

    Workers workers() {
        return workers;
    }

    LiveTensors live() {
        return live;
    }

    /** Whether small primitives can be kept from waking other threads. */
    boolean canRunSerially() {
        return threads > 1 && openMp.controllable();
    }

    /** Whether {@link #oneThread} keeps its promise. */
    boolean canLimitThreads() {
        return threads == 1 || openMp.controllable();
    }

    /** Lets the calling thread's primitives use all threads of this backend, as is the rule. */
    void allThreads() {
        openMp.limitCallingThread(threads);
    }

    /** Keeps the calling thread's primitives to itself until {@link #allThreads}. */
    void oneThread() {
        openMp.limitCallingThread(1);
    }

    /** A tensor over pooled memory, its values undefined. */
    Tensor allocate(String name, Shape shape) {
        return new Tensor(name, shape, DType.F32, new CpuStorage(this, name, shape));
    }

    /** A tensor that lives as long as a model, its values undefined. */
    Tensor allocateWeight(String name, Shape shape) {
        long bytes = CpuStorage.bytesOf(shape.count());
        MemoryPool.Block block = pool.takeWeight(bytes, "weight \"" + name + "\" " + shape);
        return new Tensor(name, shape, DType.F32, new CpuStorage(this, name, shape, block));
    }

    /**
     * The address of a tensor's values in row-major order.
     *
     * @throws IllegalArgumentException if the tensor is another backend's, or a packed weight
     */
    long address(Tensor tensor) {
        CpuStorage storage = storage(tensor);
        if (storage instanceof PackedWeight) {
            throw new IllegalArgumentException(
                    "tensor "
                            + tensor
                            + " is packed as a "
                            + ((PackedWeight) storage).form()
                            + " and cannot be used as a plain tensor");
        }
        return storage.address();
    }

    /** The storage of a tensor of this backend. */
    CpuStorage storage(Tensor tensor) {
        if (tensor.storage() instanceof CpuStorage storage && storage.engine().pool == pool) {
            return storage;
        }
        throw new IllegalArgumentException("tensor " + tensor + " is not on this cpu backend");
    }

    /** A shared layout equal to this one, which stays the caller's; equal layouts get one object. */
    Layout shared(Layout layout) {
        return layouts.get(layout);
    }

    /** Heap buffers for one piece of work; to be given back. */
    synchronized Staging takeStaging() {
        Staging staging = idleStaging;
        if (staging == null) {
            return new Staging(this);
        }
        idleStaging = staging.next;
        return staging;
    }

    /** Copies adjacent values between addresses. */
    void copy(long from, long to, long count) {
        Staging staging = takeStaging();
        staging.copy(from, to, CpuStorage.bytesOf(count));
        give(staging);
    }

    synchronized void give(Staging staging) {
        staging.next = idleStaging;
        idleStaging = staging;
    }

    @Override
    public synchronized void close() {
        closeLane();
        layouts.close();
        pool.close();
        dnnl_engine_destroy(handle);
    }
}
