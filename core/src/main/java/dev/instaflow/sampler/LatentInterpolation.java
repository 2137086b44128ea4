package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;

/** Ways between two latents or two noises, image by image. */
public enum LatentInterpolation {
    /** Along the straight line: for latents of images. */
    LERP {
        @Override
        double[] weights(double dot, double normA, double normB, double fraction) {
            return new double[] {1 - fraction, fraction};
        }
    },

    /**
     * Along the great circle: for noise, whose norm it keeps. Shoemake 1985, "Animating rotation with
     * quaternion curves". Almost parallel latents are interpolated straight, since their angle has no
     * digits left.
     */
    SLERP {
        @Override
        double[] weights(double dot, double normA, double normB, double fraction) {
            double cosine = dot / (normA * normB);
            if (!(Math.abs(cosine) <= NEARLY_PARALLEL)) {
                return LERP.weights(dot, normA, normB, fraction);
            }
            double angle = Math.acos(cosine);
            return new double[] {
                Math.sin((1 - fraction) * angle) / Math.sin(angle),
                Math.sin(fraction * angle) / Math.sin(angle)
            };
        }
    };

    // The threshold of the interpolation scripts of the CompVis and diffusers communities.
    private static final double NEARLY_PARALLEL = 0.9995;

    abstract double[] weights(double dot, double normA, double normB, double fraction);

    /**
     * A point between.
     *
     * @param ops owns the result
     * @param a [N,h,w,C], fraction 0
     * @param b [N,h,w,C], fraction 1
     * @param fraction in [0,1]
     * @return [N,h,w,C]
     * @throws IllegalArgumentException if the shapes differ or the fraction is outside [0,1]
     */
    public Tensor between(Ops ops, Tensor a, Tensor b, double fraction) {
        if (!(fraction >= 0 && fraction <= 1)) {
            throw new IllegalArgumentException("fraction " + fraction + " is outside [0,1]");
        }
        if (!a.shape().equals(b.shape())) {
            throw new IllegalArgumentException(
                    "cannot interpolate between " + a + " and " + b + ": the shapes differ");
        }
        float[] valuesA = ops.toArray(a);
        float[] valuesB = ops.toArray(b);
        int n = a.shape().intSize(0);
        int perImage = valuesA.length / n;
        float[][] coefficients = new float[2][n];
        for (int image = 0; image < n; image++) {
            double dot = 0;
            double squaresA = 0;
            double squaresB = 0;
            for (int i = image * perImage; i < (image + 1) * perImage; i++) {
                dot += (double) valuesA[i] * valuesB[i];
                squaresA += (double) valuesA[i] * valuesA[i];
                squaresB += (double) valuesB[i] * valuesB[i];
            }
            double[] w = weights(dot, Math.sqrt(squaresA), Math.sqrt(squaresB), fraction);
            coefficients[0][image] = (float) w[0];
            coefficients[1][image] = (float) w[1];
        }
        return ops.combine(coefficients, a, b);
    }
}
