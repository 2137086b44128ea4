package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/**
 * One engine in a process of its own, for {@link FullSizeComparison}: {@code FullSizeRun ENGINE THREADS
 * CHECKPOINT REPEATS OUTPUT [SIDE]}, the side in pixels. Prints a line of times and writes the velocity and the image as F32 values,
 * so that the engines' results can be compared.
 */
public final class FullSizeRun implements AutoCloseable {
    /** What the line of times begins with: native libraries print too. */
    static final String MARK = "times ";

    private final Backend backend;
    private final BenchmarkModel file;
    private final StepInputs inputs;
    private StagedModel model;
    private float[] context;
    private float[] velocity;
    private float[] image;

    private FullSizeRun(Backend backend, BenchmarkModel file, StepInputs inputs) {
        this.backend = backend;
        this.file = file;
        this.inputs = inputs;
    }

    /**
     * Loads, computes and prints.
     *
     * @param args engine, threads, checkpoint, repeats of each stage, output file, side of
     *     the image in pixels if not the one that the model was trained at
     * @throws Exception if a file cannot be read or written, or a result is not finite
     */
    public static void main(String... args) throws Exception {
        BenchmarkModel file = BenchmarkModel.named(args[2]);
        StepInputs inputs =
                args.length > 5
                        ? file.inputs(1, Integer.parseInt(args[5]))
                        : StepInputs.of(file.config());
        try (Backend backend = Engines.open(args[0], Integer.parseInt(args[1]));
                FullSizeRun run = new FullSizeRun(backend, file, inputs)) {
            StageTime load = StageTime.of(run::load);
            long loadedBytes = Machine.peakBytes();
            StageSeconds times = run.once(load, loadedBytes);
            if (backend instanceof Deferred deferred) {
                load = deferred.prepared();
                loadedBytes = Machine.peakBytes(); // only known together with the first step
            }
            times = times.withLoad(load, loadedBytes);
            for (int i = 1; i < Integer.parseInt(args[3]); i++) {
                times = times.best(run.once(load, loadedBytes));
            }
            run.write(Path.of(args[4]));
            System.out.println(MARK + times.toLine());
        }
    }

    private StagedModel load() throws IOException {
        model = file.load(backend);
        return model;
    }

    private StageSeconds once(StageTime load, long loadedBytes) throws Exception {
        StageTime text = timed(() -> context = model.text(inputs.ids()));
        StageTime unet = timed(() -> velocity = model.velocity(inputs, context));
        float[] latent = inputs.latent(velocity, file.latentScale());
        StageTime vae = timed(() -> image = model.decode(inputs.shape(), latent));
        return new StageSeconds(load, text, unet, vae, loadedBytes, Machine.peakBytes());
    }

    private StageTime timed(Callable<float[]> stage) throws Exception {
        StageTime before = prepared();
        StageTime all =
                StageTime.of(
                        () -> {
                            float[] values = stage.call();
                            for (float value : values) {
                                if (!Float.isFinite(value)) {
                                    throw new IllegalStateException("a result is not finite");
                                }
                            }
                            return values;
                        });
        return all.minus(prepared().minus(before));
    }

    /** What an engine does at the first use of a network counts as loading. */
    private StageTime prepared() {
        return backend instanceof Deferred deferred ? deferred.prepared() : StageTime.ZERO;
    }

    private void write(Path output) throws IOException {
        ByteBuffer bytes =
                ByteBuffer.allocate(Float.BYTES * (velocity.length + image.length))
                        .order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(velocity).put(image);
        Files.write(output, bytes.array());
    }

    /** Frees the weights. */
    @Override
    public void close() {
        if (model != null) {
            model.close();
        }
    }
}
