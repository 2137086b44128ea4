package dev.instaflow.sampler;

/**
 * How far a state is on its way: {@code x = signal * data + noise * eps}, eps of unit variance.
 *
 * @param signal factor of the data, at least 0
 * @param noise factor of the noise, at least 0
 */
public record NoiseLevel(double signal, double noise) {
    /** The data themselves. */
    public static final NoiseLevel CLEAN = new NoiseLevel(1, 0);

    /** Checks the factors. */
    public NoiseLevel {
        if (!(signal >= 0) || !(noise >= 0) || !(signal + noise > 0)) {
            throw new IllegalArgumentException(
                    "noise level with signal " + signal + " and noise " + noise);
        }
    }

    /**
     * Of the diffusion process that keeps the variance: DDIM, PLMS, DPM-Solver.
     *
     * @param alphaBar cumulative product of the alphas, in (0,1]
     * @return signal {@code sqrt(alphaBar)}, noise {@code sqrt(1 - alphaBar)}
     */
    public static NoiseLevel variancePreserving(double alphaBar) {
        return new NoiseLevel(Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar));
    }

    /**
     * Of the process that only adds noise: Euler, Heun. Karras et al. 2022, "Elucidating the Design
     * Space of Diffusion-Based Generative Models".
     *
     * @param sigma standard deviation of the noise, at least 0
     * @return signal 1, noise sigma
     */
    public static NoiseLevel varianceExploding(double sigma) {
        return new NoiseLevel(1, sigma);
    }

    /**
     * Of a rectified flow.
     *
     * @param time in [0,1], 0 = noise, 1 = image
     * @return signal {@code time}, noise {@code 1 - time}
     */
    public static NoiseLevel flow(double time) {
        return new NoiseLevel(time, 1 - time);
    }

    /** Of a state whose data have unit variance. */
    double standardDeviation() {
        return Math.sqrt(signal * signal + noise * noise);
    }

    /** Half the logarithm of the signal-to-noise ratio: lambda of the DPM-Solver papers. */
    double lambda() {
        return Math.log(signal) - Math.log(noise);
    }
}
