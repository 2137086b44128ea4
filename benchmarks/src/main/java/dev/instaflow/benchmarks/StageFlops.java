package dev.instaflow.benchmarks;

import java.io.IOException;

/**
 * Additions and multiplications of one step, counted by {@link FlopOps} from the shapes of its operations.
 * An engine that saves multiplications, as Winograd's convolutions do, so gets a rate that its processor
 * could not reach.
 *
 * @param text text encoder
 * @param unet one evaluation
 * @param vae decoder
 */
record StageFlops(double text, double unet, double vae) {
    /** Reads the file's shapes and none of its weights. */
    static StageFlops of(BenchmarkModel file, StepInputs inputs) throws IOException {
        try (FlopBackend counter = new FlopBackend();
                StagedModel model = file.load(counter)) {
            float[] context = model.text(inputs.ids());
            double text = counter.take();
            float[] velocity = model.velocity(inputs, context);
            double unet = counter.take();
            model.decode(inputs.shape(), velocity);
            return new StageFlops(text, unet, counter.take());
        }
    }

    double step() {
        return text + unet + vae;
    }
}
