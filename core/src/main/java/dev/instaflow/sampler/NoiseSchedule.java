package dev.instaflow.sampler;

/**
 * The noise that a diffusion model was trained with: {@code beta = linspace(sqrt(betaStart),
 * sqrt(betaEnd), trainSteps)^2}. diffusers calls it {@code scaled_linear}, CompVis {@code linear}.
 * Always computed from these three numbers: the buffers of half-precision checkpoints are too coarse.
 *
 * @param betaStart variance added by the first training step
 * @param betaEnd variance added by the last one
 * @param trainSteps number of training steps; labels are 0..trainSteps-1
 */
public record NoiseSchedule(double betaStart, double betaEnd, int trainSteps) {
    /** Stable Diffusion 1.x. */
    public static final NoiseSchedule STABLE_DIFFUSION = new NoiseSchedule(0.00085, 0.012, 1000);

    /** Checks the numbers. */
    public NoiseSchedule {
        if (!(betaStart > 0) || !(betaEnd >= betaStart) || !(betaEnd < 1) || trainSteps < 2) {
            throw new IllegalArgumentException(
                    "noise schedule needs 0 < betaStart <= betaEnd < 1 and at least 2 steps, got "
                            + betaStart
                            + ", "
                            + betaEnd
                            + ", "
                            + trainSteps);
        }
    }

    /**
     * Cumulative products of {@code 1 - beta}, in double precision.
     *
     * @return a fresh array of {@code trainSteps} values, strictly decreasing, all in (0,1)
     */
    public double[] alphaBars() {
        double from = Math.sqrt(betaStart);
        double step = (Math.sqrt(betaEnd) - from) / (trainSteps - 1);
        double[] alphaBars = new double[trainSteps];
        double product = 1;
        for (int i = 0; i < trainSteps; i++) {
            double root = from + i * step;
            product *= 1 - root * root;
            alphaBars[i] = product;
        }
        return alphaBars;
    }
}
