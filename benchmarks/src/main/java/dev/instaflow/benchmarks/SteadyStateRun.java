package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import java.util.Arrays;

/**
 * One engine in a process of its own, warm: {@code SteadyStateRun ENGINE THREADS MODEL WARMUP REPEATS
 * BATCH...}, the model {@code emoji} or a checkpoint. Token ids to pixels, without tokenizer and PNG; for
 * each size of a batch a line of figures.
 */
public final class SteadyStateRun {
    /** What a line of figures begins with: native libraries print too. */
    static final String MARK = "steady ";

    private final Backend backend;
    private final StagedModel model;
    private final StepInputs inputs;
    private final float latentScale;
    private long handed;

    private SteadyStateRun(
            Backend backend, StagedModel model, StepInputs inputs, float latentScale) {
        this.backend = backend;
        this.model = model;
        this.inputs = inputs;
        this.latentScale = latentScale;
    }

    /**
     * Measures and prints.
     *
     * @param args engine, threads, model, batches that are not measured, batches that are, sizes
     * @throws java.io.IOException if the model cannot be read
     */
    public static void main(String... args) throws java.io.IOException {
        BenchmarkModel file = BenchmarkModel.named(args[2]);
        int warmup = Integer.parseInt(args[3]);
        int repeats = Integer.parseInt(args[4]);
        int side = file.config().unet().sampleSize();
        try (Backend backend = Engines.open(args[0], Integer.parseInt(args[1]));
                StagedModel model = file.load(backend)) {
            for (String batch : Arrays.asList(args).subList(5, args.length)) {
                StepInputs inputs = StepInputs.of(file.config(), Integer.parseInt(batch), side);
                SteadyStateRun run = new SteadyStateRun(backend, model, inputs, file.latentScale());
                System.out.println(MARK + run.measure(warmup, repeats).toLine());
            }
        }
    }

    private SteadyState measure(int warmup, int repeats) {
        for (int i = 0; i < warmup; i++) {
            step();
        }
        long heldBefore = backend.heldBytes();
        double best = Double.POSITIVE_INFINITY;
        long allocated = 0;
        for (int i = 0; i < repeats; i++) {
            handed = 0;
            long before = AllocatedBytes.ofAllThreads();
            long start = System.nanoTime();
            step();
            best = Math.min(best, (System.nanoTime() - start) * 1e-9);
            allocated = AllocatedBytes.ofAllThreads() - before;
        }
        return new SteadyState(
                best, inputs.ids().length, allocated, handed, heldBefore, backend.heldBytes());
    }

    /** All three networks, and the arrays between them. */
    private void step() {
        float[] context = counted(model.text(inputs.ids()));
        float[] velocity = counted(model.velocity(inputs, context));
        float[] latent = counted(inputs.latent(velocity, latentScale));
        counted(model.decode(inputs.shape(), latent));
    }

    private float[] counted(float[] result) {
        handed += (long) result.length * Float.BYTES;
        return result;
    }
}
