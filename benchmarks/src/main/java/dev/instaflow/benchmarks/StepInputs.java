package dev.instaflow.benchmarks;

import dev.instaflow.model.ModelConfig;
import dev.instaflow.tensor.Shape;
import java.util.Random;

/**
 * What goes into one step: seeded, so that every engine and every run gets the same.
 *
 * @param ids [N][T] token ids
 * @param shape [N,h,w,C] of the noise
 * @param noise unit normals
 */
record StepInputs(int[][] ids, Shape shape, float[] noise) {
    private static final long SEED = 20260501;

    /** One image of the size that the model was trained at. */
    static StepInputs of(ModelConfig config) {
        return of(config, 1, config.unet().sampleSize());
    }

    /**
     * Several images.
     *
     * @param config the model's sizes
     * @param n how many
     * @param side rows and columns of a latent
     */
    static StepInputs of(ModelConfig config, int n, int side) {
        Random random = new Random(SEED);
        int[][] ids = new int[n][config.text().maxLength()];
        for (int[] text : ids) {
            for (int i = 0; i < text.length; i++) {
                text[i] = random.nextInt(config.text().vocabulary());
            }
        }
        Shape shape = Shape.of(n, side, side, config.unet().inChannels());
        float[] noise = new float[Math.toIntExact(shape.count())];
        for (int i = 0; i < noise.length; i++) {
            noise[i] = (float) random.nextGaussian();
        }
        return new StepInputs(ids, shape, noise);
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
