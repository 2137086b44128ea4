package dev.instaflow.backend.cpu;

import dev.instaflow.backend.BackendUnavailableException;
import dev.instaflow.backend.TensorScope;
import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.backend.WeightStorage;
import dev.instaflow.checkpoint.DType;
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
 * Computes with oneDNN on the processor's cores. Thread-safe: any number of threads may open scopes and
 * share weights; each operation alone uses as many threads as the settings say, or, in {@link #runParts},
 * each part uses one.
 */
public final class CpuBackend implements TrainingBackend {
    private final CpuEngine engine;
    private final String description;
    private final WeightStorage storage;
    private final Convolution convolution;
    private final MatMul matMul;
    private final WeightPacker packer;
    private final WinogradPacker winogradPacker;
    private final Kernels kernels;
    private final CpuEngine laneEngine;
    private final Kernels laneKernels;
    private final GradientKernels gradientKernels;
    private final GradientKernels laneGradientKernels;
    private boolean closed;

    private CpuBackend(CpuSettings settings, OpenMp openMp) {
        int threads = settings.resolvedThreads();
        String count = threads == 1 ? "1 thread" : threads + " threads";
        String note = openMp.controllable() ? "" : " asked for, OMP_NUM_THREADS decides";
        this.description = "cpu (oneDNN " + OneDnn.version() + ", " + count + note;
        this.storage = settings.weights();
        this.engine = new CpuEngine(threads, openMp);
        this.packer = new WeightPacker(engine);
        this.winogradPacker = new WinogradPacker(engine, packer);
        this.kernels = Kernels.of(engine, packer);
        this.laneEngine = engine.lane();
        this.laneKernels = Kernels.of(laneEngine, new WeightPacker(laneEngine));
        this.gradientKernels = new GradientKernels(engine, kernels);
        this.laneGradientKernels = new GradientKernels(laneEngine, laneKernels);
        this.convolution = kernels.convolution();
        this.matMul = kernels.matMul();
    }

    /**
     * Loads the native library and makes a backend.
     *
     * @param settings thread count, and how weights are kept
     * @return to be closed by the caller
     * @throws BackendUnavailableException if oneDNN does not load here; the message says what to do
     */
    public static CpuBackend open(CpuSettings settings) {
        OneDnn.load();
        return new CpuBackend(settings, OpenMp.find());
    }

    /** Which convolutions it chose is told once it has weights for which there was a choice. */
    @Override
    public String description() {
        return description + kernels.winograd().choice() + ")";
    }

    @Override
    public Scope openScope(String name) {
        requireOpen();
        engine.allThreads();
        return TensorScope.root(name, this::ops);
    }

    private Ops ops(TensorScope scope) {
        return new CpuOps(engine, kernels, scope);
    }

    /** One where weights are packed for each use: the packing shares this backend's threads. */
    @Override
    public int lanes() {
        boolean sideBySide = engine.canLimitThreads() && storage != WeightStorage.AS_STORED;
        return sideBySide ? engine.workers().count() : 1;
    }

    @Override
    public void runParts(String name, int count, Part part) {
        requireOpen();
        if (lanes() == 1 || count == 1) {
            TrainingBackend.super.runParts(name, count, part);
        } else {
            engine.workers().run(count, index -> runInLane(name, index, part));
        }
    }

    private void runInLane(String name, int index, Part part) {
        laneEngine.allThreads();
        try (Scope scope = TensorScope.root(name, this::laneOps)) {
            part.run(index, scope);
        } finally {
            engine.allThreads();
        }
    }

    private Ops laneOps(TensorScope scope) {
        return new CpuOps(laneEngine, laneKernels, scope);
    }

    @Override
    public Tensor upload(String name, WeightForm form, Shape shape, FloatSource values)
            throws IOException {
        requireOpen();
        engine.allThreads();
        if (form instanceof WeightForm.Linear) {
            requireRank(name, form, shape, 2);
            Layout layout = matMul.preferred(shape.size(1), shape.size(0));
            return packed(name, shape, values, PackedWeight.Form.LINEAR, layout);
        }
        if (form instanceof WeightForm.Conv conv) {
            requireRank(name, form, shape, 4);
            requireKernel(name, form, shape, conv.spec().kernel());
            return kernel(name, conv, shape, values);
        }
        if (form instanceof WeightForm.UpsampledConv conv) {
            requireRank(name, form, shape, 4);
            requireKernel(name, form, shape, ConvSpec.SAME_3X3.kernel());
            int height = 2 * conv.heightHint();
            int width = 2 * conv.widthHint();
            if (mayTransform(height, width)
                    && kernels.winograd().suits(WinogradBasis.DOUBLED, shape)) {
                PackedWeight.Form doubled = PackedWeight.Form.WINOGRAD_DOUBLED;
                Layout layout = kernels.winograd().preferred(WinogradBasis.DOUBLED, shape);
                return packed(name, shape, values, doubled, layout);
            }
            WeightForm.Conv plain = new WeightForm.Conv(ConvSpec.SAME_3X3, height, width);
            return kernel(name, plain, shape, values);
        }
        Tensor tensor = engine.allocateWeight(name, shape);
        return filled(tensor, () -> packer.copy(values, 0, engine.address(tensor), shape.count()));
    }

    private Tensor kernel(String name, WeightForm.Conv form, Shape shape, FloatSource values)
            throws IOException {
        if (form.spec().equals(ConvSpec.SAME_3X3)
                && mayTransform(form.heightHint(), form.widthHint())
                && kernels.winograd().suits(WinogradBasis.SAME, shape)) {
            Layout layout = kernels.winograd().preferred(WinogradBasis.SAME, shape);
            return packed(name, shape, values, PackedWeight.Form.WINOGRAD, layout);
        }
        Layout layout = convolution.preferred(form, shape);
        return packed(name, shape, values, PackedWeight.Form.CONV, layout);
    }

    private boolean mayTransform(int height, int width) {
        return storage != WeightStorage.TRAINABLE && Math.min(height, width) >= Winograd.LARGE_SIDE;
    }

    private Tensor packed(
            String name, Shape shape, FloatSource values, PackedWeight.Form form, Layout layout)
            throws IOException {
        PackedWeight.Purpose purpose = new PackedWeight.Purpose(form, layout, this::pack);
        PackedWeight weight =
                switch (storage) {
                    case PACKED, TRAINABLE -> PackedWeight.packed(engine, name, shape, purpose);
                    case AS_STORED ->
                            PackedWeight.stored(engine, name, shape, purpose, values.stored());
                };
        Tensor tensor = new Tensor(name, shape, DType.F32, weight);
        return filled(tensor, () -> weight.fill(values));
    }

    private void pack(PackedWeight weight, long target, FloatSource values) throws IOException {
        switch (weight.form()) {
            case CONV, LINEAR -> packer.pack(weight, target, values);
            case WINOGRAD -> winogradPacker.pack(WinogradBasis.SAME, weight, target, values);
            case WINOGRAD_DOUBLED ->
                    winogradPacker.pack(WinogradBasis.DOUBLED, weight, target, values);
        }
    }

    private interface Fill {
        void run() throws IOException;
    }

    /** The tensor after its values have been read; closed again if they cannot be. */
    private static Tensor filled(Tensor tensor, Fill fill) throws IOException {
        boolean done = false;
        try {
            fill.run();
            done = true;
            return tensor;
        } finally {
            if (!done) {
                tensor.close();
            }
        }
    }

    private static void requireKernel(String name, WeightForm form, Shape shape, int kernel) {
        if (shape.size(2) != kernel || shape.size(3) != kernel) {
            throw new IllegalArgumentException(
                    "weight \"" + name + "\" " + shape + " does not have the kernel of " + form);
        }
    }

    @Override
    public GradOps gradients(Ops ops) {
        if (ops instanceof CpuOps cpu && cpu.engine() == engine) {
            return new CpuGradOps(cpu, gradientKernels);
        }
        if (ops instanceof CpuOps cpu && cpu.engine() == laneEngine) {
            return new CpuGradOps(cpu, laneGradientKernels);
        }
        throw new IllegalArgumentException("gradients for operations of another backend: " + ops);
    }

    @Override
    public void update(Tensor weight, FloatSource values) throws IOException {
        requireOpen();
        if (engine.storage(weight) instanceof PackedWeight packed) {
            packed.refill(values);
        } else {
            packer.copy(values, 0, engine.address(weight), weight.shape().count());
        }
    }

    private static void requireRank(String name, WeightForm form, Shape shape, int rank) {
        if (shape.rank() != rank) {
            throw new IllegalArgumentException(
                    "weight \"%s\" %s: %s needs %d dimensions".formatted(name, shape, form, rank));
        }
    }

    private synchronized void requireOpen() {
        if (closed) {
            throw new IllegalStateException("backend cpu used after it was closed");
        }
    }

    @Override
    public long heldBytes() {
        return engine.pool().heldBytes();
    }

    @Override
    public void releaseIdle() {
        laneKernels.winograd().releaseIdle();
        kernels.winograd().releaseIdle();
        engine.pool().releaseIdle();
    }

    /** For tests of this package. */
    CpuEngine engine() {
        return engine;
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        engine.live().requireNone("cpu");
        closed = true;
        laneKernels.winograd().close();
        laneEngine.closeLane();
        kernels.winograd().close();
        engine.close();
    }
}
