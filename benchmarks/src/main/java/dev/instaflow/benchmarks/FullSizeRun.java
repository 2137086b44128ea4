package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * One engine in a process of its own, for {@link FullSizeComparison}: {@code FullSizeRun ENGINE CHECKPOINT
 * REPEATS OUTPUT}. Prints a line of times and writes the velocity and the image as F32 values, so that the
 * engines' results can be compared.
 */
public final class FullSizeRun {
    /** What the line of times begins with: native libraries print too. */
    static final String MARK = "times ";

    private final StagedModel model;
    private final StepInputs inputs;
    private final float latentScale;
    private float[] context;
    private float[] velocity;
    private float[] image;

    private FullSizeRun(StagedModel model, StepInputs inputs, float latentScale) {
        this.model = model;
        this.inputs = inputs;
        this.latentScale = latentScale;
    }

    /**
     * Loads, computes and prints.
     *
     * @param args engine, checkpoint, repeats of each stage, output file
     * @throws IOException if a file cannot be read or written
     */
    public static void main(String... args) throws IOException {
        BenchmarkModel file = BenchmarkModel.named(args[1]);
        try (Backend backend = Engines.open(args[0])) {
            long start = System.nanoTime();
            try (StagedModel model = file.load(backend)) {
                double load = seconds(start);
                FullSizeRun run =
                        new FullSizeRun(model, StepInputs.of(file.config()), file.latentScale());
                StageSeconds times = run.once(load);
                for (int i = 1; i < Integer.parseInt(args[2]); i++) {
                    times = times.best(run.once(load));
                }
                run.write(Path.of(args[3]));
                System.out.println(MARK + times.toLine());
            }
        }
    }

    private static double seconds(long startNanos) {
        return (System.nanoTime() - startNanos) * 1e-9;
    }

    private StageSeconds once(double load) throws IOException {
        double text = timed(() -> context = model.text(inputs.ids()));
        double unet = timed(() -> velocity = model.velocity(inputs.noise(), context));
        float[] latent = inputs.latent(velocity, latentScale);
        double vae = timed(() -> image = model.decode(latent));
        return new StageSeconds(load, text, unet, vae, Machine.peakBytes());
    }

    private static double timed(Supplier<float[]> stage) {
        long start = System.nanoTime();
        for (float value : stage.get()) {
            if (!Float.isFinite(value)) {
                throw new IllegalStateException("a result is not finite");
            }
        }
        return seconds(start);
    }

    private void write(Path output) throws IOException {
        ByteBuffer bytes =
                ByteBuffer.allocate(Float.BYTES * (velocity.length + image.length))
                        .order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(velocity).put(image);
        Files.write(output, bytes.array());
    }
}
