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
 * CHECKPOINT REPEATS OUTPUT}. Prints a line of times and writes the velocity and the image as F32 values,
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

    private FullSizeRun(Backend backend, BenchmarkModel file) {
        this.backend = backend;
        this.file = file;
        this.inputs = StepInputs.of(file.config());
    }

    /**
     * Loads, computes and prints.
     *
     * @param args engine, threads, checkpoint, repeats of each stage, output file
     * @throws Exception if a file cannot be read or written, or a result is not finite
     */
    public static void main(String... args) throws Exception {
        BenchmarkModel file = BenchmarkModel.named(args[2]);
        try (Backend backend = Engines.open(args[0], Integer.parseInt(args[1]));
                FullSizeRun run = new FullSizeRun(backend, file)) {
            StageTime load = StageTime.of(run::load);
            long loadedBytes = Machine.peakBytes();
            StageSeconds times = run.once(load, loadedBytes);
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
        StageTime unet = timed(() -> velocity = model.velocity(inputs.noise(), context));
        float[] latent = inputs.latent(velocity, file.latentScale());
        StageTime vae = timed(() -> image = model.decode(latent));
        return new StageSeconds(load, text, unet, vae, loadedBytes, Machine.peakBytes());
    }

    private static StageTime timed(Callable<float[]> stage) throws Exception {
        return StageTime.of(
                () -> {
                    float[] values = stage.call();
                    for (float value : values) {
                        if (!Float.isFinite(value)) {
                            throw new IllegalStateException("a result is not finite");
                        }
                    }
                    return values;
                });
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
