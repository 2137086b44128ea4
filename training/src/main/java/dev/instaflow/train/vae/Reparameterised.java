package dev.instaflow.train.vae;

/**
 * A sample {@code mean + exp(logVariance / 2) * noise} of an encoder's moments, and the way back through it.
 * Kingma and Welling 2014, section 2.4. Logarithms are clamped to [-30,20] as CompVis does; where they are,
 * no gradient passes.
 */
final class Reparameterised {
    private static final float LEAST = -30;
    private static final float MOST = 20;

    private final float[] moments;
    private final float[] noise;
    private final int channels;

    /**
     * Takes what an encoder gave.
     *
     * @param moments rows of C means and C logarithms of variances
     * @param noise rows of C normal numbers
     * @param channels C
     */
    Reparameterised(float[] moments, float[] noise, int channels) {
        this.moments = moments;
        this.noise = noise;
        this.channels = channels;
    }

    private int meanAt(int i) {
        return i / channels * 2 * channels + i % channels;
    }

    private float logVariance(int i) {
        return Math.min(Math.max(moments[meanAt(i) + channels], LEAST), MOST);
    }

    /** The latent. */
    float[] sample() {
        float[] latent = new float[noise.length];
        for (int i = 0; i < latent.length; i++) {
            float deviation = (float) Math.exp(0.5f * logVariance(i));
            latent[i] = moments[meanAt(i)] + deviation * noise[i];
        }
        return latent;
    }

    /** The mean over a latent's values of its divergence from the normal distribution. */
    double divergence() {
        double sum = 0;
        for (int i = 0; i < noise.length; i++) {
            double mean = moments[meanAt(i)];
            double log = logVariance(i);
            sum += 0.5 * (mean * mean + Math.exp(log) - 1 - log);
        }
        return sum / noise.length;
    }

    /**
     * The gradient with respect to the moments.
     *
     * @param dLatent with respect to the sample
     * @param weight of the divergence in the loss
     */
    float[] back(float[] dLatent, double weight) {
        float[] gradient = new float[moments.length];
        float share = (float) (weight / noise.length);
        for (int i = 0; i < noise.length; i++) {
            int at = meanAt(i);
            float log = logVariance(i);
            float variance = (float) Math.exp(log);
            gradient[at] = dLatent[i] + share * moments[at];
            if (log == moments[at + channels]) {
                gradient[at + channels] =
                        0.5f * (float) Math.sqrt(variance) * noise[i] * dLatent[i]
                                + share * 0.5f * (variance - 1);
            }
        }
        return gradient;
    }
}
