package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.TensorScope;
import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.backend.WeightStorage;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.GradOps;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;

/**
 * Computes on an NVIDIA GPU. Thread-safe: any number of threads may open scopes and share weights; the device does their
 * operations one after the other.
 *
 * <p>Training with mixed precision takes {@link WeightStorage#TRAINABLE}: weights are then F32 beside copies that networks
 * compute with, and an update changes both. In F16 the loss has to be scaled up, and {@link Ops#isFinite} or the norm of
 * the gradients tells when by too much; whoever trains does that.
 */
public final class CudaBackend implements TrainingBackend {
    private final CudaEngine engine;
    private final Numerics numerics;
    private final CudaBackend wide;
    private final WeightUploader uploader;
    private final WeightStorage weights;
    private final String deviceName;
    private final Runnable ending;

    /** Held while the ending waits for work, whose thread may ask meanwhile whether this is closed. */
    private final Object closing = new Object();

    private volatile boolean closed;

    private CudaBackend(
            CudaEngine engine,
            WeightStorage weights,
            Numerics numerics,
            Numerics wideNumerics,
            Runnable ending) {
        this.engine = engine;
        this.weights = weights;
        this.ending = ending;
        this.numerics = numerics;
        this.uploader = new WeightUploader(engine);
        this.deviceName = engine.context().deviceName();
        this.wide =
                wideNumerics == numerics
                        ? this
                        : new CudaBackend(engine, weights, wideNumerics, wideNumerics, () -> {});
    }

    /**
     * Makes a backend; the driver has been loaded and initialised, and the other libraries been loaded.
     *
     * @param settings device and precision
     * @return to be closed by the caller
     * @throws dev.instaflow.backend.BackendException if the device does not work
     */
    public static CudaBackend open(CudaSettings settings) {
        return open(settings, DevicePool.SLAB);
    }

    /** With memory that is asked of the driver in pieces of at least that many bytes. */
    static CudaBackend open(CudaSettings settings, long slabBytes) {
        CudaContext context = CudaContext.open(settings.device());
        boolean made = false;
        try {
            CudaEngine engine = new CudaEngine(context, settings, slabBytes);
            Numerics numerics = Numerics.of(settings.precision());
            CudaBackend backend =
                    new CudaBackend(
                            engine,
                            settings.weights(),
                            numerics,
                            wide(settings),
                            engine::closeUnused);
            made = true;
            return backend;
        } finally {
            if (!made) {
                context.close();
            }
        }
    }

    private static Numerics wide(CudaSettings settings) {
        if (settings.precision() == Precision.F32) {
            return Numerics.F32;
        }
        return settings.wideRange() == Precision.BF16 ? Numerics.BF16 : Numerics.TF32;
    }

    @Override
    public String description() {
        String refusal = engine.recordings().refusal();
        return "%s (%s, %s%s)"
                .formatted(
                        engine.context().name(),
                        deviceName,
                        numerics,
                        refusal.isEmpty() ? "" : "; without a graph since " + refusal);
    }

    @Override
    public Backend wideRange() {
        return wide;
    }

    @Override
    public Scope openScope(String name) {
        requireOpen();
        return openRoot(name);
    }

    private TensorScope openRoot(String name) {
        return TensorScope.root(name, scope -> new CudaOps(engine, numerics, scope));
    }

    @Override
    public Tensor upload(String name, WeightForm form, Shape shape, FloatSource values)
            throws IOException {
        requireOpen();
        if (form instanceof WeightForm.Linear) {
            requireRank(name, form, shape, 2);
            return filled(CudaWeight.Form.LINEAR, name, shape, values);
        }
        if (form instanceof WeightForm.Conv conv) {
            requireKernel(name, form, shape, conv.spec().kernel());
            return filled(CudaWeight.Form.CONV, name, shape, values);
        }
        if (form instanceof WeightForm.UpsampledConv) {
            requireKernel(name, form, shape, ConvSpec.SAME_3X3.kernel());
            return filled(CudaWeight.Form.CONV, name, shape, values);
        }
        return filled(CudaWeight.Form.PLAIN, name, shape, values);
    }

    private Tensor filled(CudaWeight.Form form, String name, Shape shape, FloatSource values)
            throws IOException {
        dev.instaflow.kernels.Storage type =
                form == CudaWeight.Form.PLAIN || weights == WeightStorage.TRAINABLE
                        ? dev.instaflow.kernels.Storage.F32
                        : numerics.storage();
        CudaWeight weight = new CudaWeight(engine, form, name, shape, type);
        Tensor tensor = new Tensor(name, shape, Precision.dtypeOf(type), weight);
        boolean done = false;
        try {
            uploader.fill(weight, values);
            done = true;
            return tensor;
        } finally {
            if (!done) {
                tensor.close();
            }
        }
    }

    @Override
    public GradOps gradients(Ops ops) {
        if (ops instanceof CudaOps cuda && cuda.engine() == engine) {
            return new CudaGradOps(cuda);
        }
        throw new IllegalArgumentException("gradients for operations of another backend: " + ops);
    }

    @Override
    public void update(Tensor weight, FloatSource values) throws IOException {
        requireOpen();
        if (engine.storage(weight) instanceof CudaWeight kept) {
            uploader.fill(kept, values);
            kept.refreshCopies();
            return;
        }
        throw new IllegalArgumentException("tensor " + weight + " is no weight of this backend");
    }

    private static void requireKernel(String name, WeightForm form, Shape shape, int kernel) {
        requireRank(name, form, shape, 4);
        if (shape.size(2) != kernel || shape.size(3) != kernel) {
            throw new IllegalArgumentException(
                    "weight \"" + name + "\" " + shape + " does not have the kernel of " + form);
        }
    }

    private static void requireRank(String name, WeightForm form, Shape shape, int rank) {
        if (shape.rank() != rank) {
            throw new IllegalArgumentException(
                    "weight \"%s\" %s: %s needs %d dimensions".formatted(name, shape, form, rank));
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException(
                    "backend " + engine.context().name() + " used after it was closed");
        }
    }

    @Override
    public long heldBytes() {
        return isClosed() ? 0 : engine.pool().heldBytes();
    }

    @Override
    public long usedBytes() {
        return isClosed() ? 0 : engine.pool().usedBytes();
    }

    @Override
    public long memoryBytes() {
        return engine.memoryBytes();
    }

    private boolean isClosed() {
        return closed;
    }

    @Override
    public void releaseIdle() {
        requireOpen();
        engine.pool().releaseIdle();
    }

    /** For tests of this package. */
    CudaEngine engine() {
        return engine;
    }

    @Override
    public void close() {
        // A lock of its own: the ending waits for work whose thread may ask meanwhile whether this
        // is closed.
        synchronized (ending) {
            if (!closed) {
                ending.run();
                closed = true;
                wide.close();
            }
        }
    }
}
