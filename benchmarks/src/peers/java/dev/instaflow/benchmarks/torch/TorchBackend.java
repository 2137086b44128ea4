package dev.instaflow.benchmarks.torch;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.LiveTensors;
import dev.instaflow.backend.TensorScope;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.global.torch;

/**
 * Eager libtorch on the CPU. Thread-safe as {@link Backend} asks; the number of threads is libtorch's, one
 * for the whole process.
 */
public final class TorchBackend implements Backend {
    private static final Pattern VERSION = Pattern.compile("TORCH_VERSION=([^,]+)");
    private static final int UPLOAD_CHUNK = 1 << 20;

    private final LiveTensors live = new LiveTensors();
    private final AtomicLong heldBytes = new AtomicLong();
    private final int threads;

    /**
     * Starts libtorch.
     *
     * @param threads for each operation, at least 1
     */
    public TorchBackend(int threads) {
        this.threads = threads;
        torch.set_num_threads(threads);
        openblas_nolapack.blas_set_num_threads(threads);
    }

    /**
     * Runs an operation that libtorch itself spreads over threads and that calls OpenBLAS from each: unless
     * OpenBLAS is kept from using threads of its own then, they wait for each other, up to 80 times longer.
     */
    <T> T withoutBlasThreads(Supplier<T> work) {
        openblas_nolapack.blas_set_num_threads(1);
        try {
            return work.get();
        } finally {
            openblas_nolapack.blas_set_num_threads(threads);
        }
    }

    @Override
    public String description() {
        Matcher version = VERSION.matcher(torch.show_config().getString());
        return "libtorch %s (%d threads)".formatted(version.find() ? version.group(1) : "", threads);
    }

    @Override
    public Scope openScope(String name) {
        GradMode.set_enabled(false); // per thread, as a scope is
        return TensorScope.root(name, scope -> new TorchOps(this, scope));
    }

    @Override
    public Tensor upload(String name, WeightForm form, Shape shape, FloatSource values)
            throws IOException {
        org.bytedeco.pytorch.Tensor plain = Aten.empty(shape);
        float[] chunk = new float[(int) Math.min(shape.count(), UPLOAD_CHUNK)];
        try (FloatPointer memory = new FloatPointer(plain.data_ptr())) {
            for (long done = 0; done < shape.count(); done += chunk.length) {
                int length = (int) Math.min(chunk.length, shape.count() - done);
                values.read(done, chunk, 0, length);
                memory.position(done).put(chunk, 0, length);
            }
        } catch (IOException | RuntimeException e) {
            plain.close();
            throw e;
        }
        if (!(form instanceof WeightForm.Conv || form instanceof WeightForm.UpsampledConv)) {
            return adopt(name, shape, plain);
        }
        try (plain) {
            return adopt(name, shape, Aten.channelsLast(plain));
        }
    }

    /** Takes over a native tensor of F32 values, in logical order. */
    Tensor adopt(String name, Shape shape, org.bytedeco.pytorch.Tensor values) {
        String label = '"' + name + "\" " + shape + " F32";
        return new Tensor(name, shape, DType.F32, new TorchStorage(label, values, live, heldBytes));
    }

    @Override
    public long heldBytes() {
        return heldBytes.get();
    }

    @Override
    public void close() {
        live.requireNone("libtorch");
    }
}
