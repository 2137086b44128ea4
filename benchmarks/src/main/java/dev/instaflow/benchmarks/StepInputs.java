package dev.instaflow.benchmarks;

import dev.instaflow.model.ModelConfig;
import java.util.Random;

/**
 * What goes into one step: seeded, so that every engine and every run gets the same.
 *
 * @param ids [T] token ids
 * @param noise [h,w,C] unit normals
 */
record StepInputs(int[] ids, float[] noise) {
    private static final long SEED = 20260501;

    static StepInputs of(ModelConfig config) {
        Random random = new Random(SEED);
        int[] ids = new int[config.text().maxLength()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = random.nextInt(config.text().vocabulary());
        }
        int side = config.unet().sampleSize();
        float[] noise = new float[side * side * config.unet().inChannels()];
        for (int i = 0; i < noise.length; i++) {
            noise[i] = (float) random.nextGaussian();
        }
        return new StepInputs(ids, noise);
    }

    /** The end of the flow: noise plus velocity, divided by the scale of the latents. */
    float[] latent(float[] velocity, float latentScale) {
        float[] latent = new float[noise.length];
        for (int i = 0; i < latent.length; i++) {
            latent[i] = (noise[i] + velocity[i]) / latentScale;
        }
        return latent;
    }
}
