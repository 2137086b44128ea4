package dev.instaflow.vae;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/**
 * The normal distribution over latents that an image is encoded to, independent in every element. Held
 * on the heap: it is small, and lives as long as the caller likes. Immutable.
 */
public final class Posterior {
    private static final float LEAST_LOG_VARIANCE = -30;
    private static final float MOST_LOG_VARIANCE = 20;

    private final Shape shape;
    private final float[] mean;
    private final float[] logVariance;

    private Posterior(Shape shape, float[] mean, float[] logVariance) {
        this.shape = shape;
        this.mean = mean;
        this.logVariance = logVariance;
    }

    /**
     * Splits the encoder's output.
     *
     * @param moments [N,h,w,2C], means and then logarithms of variances
     */
    static Posterior of(Ops ops, Tensor moments) {
        Shape both = moments.shape();
        int channels = both.intSize(-1) / 2;
        float[] values = ops.toArray(moments);
        float[] mean = new float[values.length / 2];
        float[] logVariance = new float[values.length / 2];
        for (int from = 0, to = 0; from < values.length; from += 2 * channels, to += channels) {
            System.arraycopy(values, from, mean, to, channels);
            for (int c = 0; c < channels; c++) {
                float raw = values[from + channels + c];
                logVariance[to + c] =
                        Math.min(Math.max(raw, LEAST_LOG_VARIANCE), MOST_LOG_VARIANCE);
            }
        }
        return new Posterior(both.with(-1, channels), mean, logVariance);
    }

    /**
     * The shape of a latent.
     *
     * @return [N,h,w,C]
     */
    public Shape shape() {
        return shape;
    }

    /**
     * The means, which are the most likely latent.
     *
     * @return [N,h,w,C], a copy
     */
    public float[] mean() {
        return mean.clone();
    }

    /**
     * The logarithms of the variances.
     *
     * @return [N,h,w,C] in [-30,20], a copy
     */
    public float[] logVariance() {
        return logVariance.clone();
    }

    /**
     * The most likely latent.
     *
     * @param ops what to make it with
     * @return [N,h,w,C], raw: not multiplied by the model's scale factor
     */
    public Tensor mode(Ops ops) {
        return ops.tensor("encoded mean", shape, mean);
    }

    /**
     * A sample: {@code mean + exp(logVariance / 2) * noise}.
     *
     * @param ops what to make it with
     * @param noise [N,h,w,C], standard normal
     * @return [N,h,w,C], raw: not multiplied by the model's scale factor
     */
    public Tensor sample(Ops ops, float[] noise) {
        if (noise.length != mean.length) {
            throw new IllegalArgumentException(
                    "posterior %s sampled with %d values of noise".formatted(shape, noise.length));
        }
        float[] latent = new float[mean.length];
        for (int i = 0; i < latent.length; i++) {
            latent[i] = mean[i] + (float) Math.exp(0.5f * logVariance[i]) * noise[i];
        }
        return ops.tensor("encoded sample", shape, latent);
    }
}
