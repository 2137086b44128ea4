package dev.instaflow.sampler;

import java.util.Objects;

/**
 * A sampler and its options.
 *
 * @param kind which
 * @param steps number of steps, 1 to 1000; RK45 chooses its own and ignores it
 * @param spacing how the labels are spaced; flows ignore it, their times are evenly spaced
 * @param sigmas how the noise levels are spaced
 * @param eta share of fresh noise in each DDIM step, 0 (none) to 1 (as in DDPM); others ignore it
 * @param relativeTolerance of RK45, at least 1e-6 or float32 has no room for it
 * @param absoluteTolerance of RK45, at least 0
 */
public record SamplerSettings(
        SamplerKind kind,
        int steps,
        StepSpacing spacing,
        SigmaSpacing sigmas,
        double eta,
        double relativeTolerance,
        double absoluteTolerance) {
    private static final int MAX_STEPS = 1000;
    private static final double MIN_RELATIVE_TOLERANCE = 1e-6;
    private static final double DEFAULT_TOLERANCE = 1e-5;

    /** Checks the options. */
    public SamplerSettings {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(spacing, "spacing");
        if (steps < 1 || steps > MAX_STEPS) {
            throw new IllegalArgumentException(
                    "%d steps; a sampler takes 1 to %d".formatted(steps, MAX_STEPS));
        }
        if (sigmas == SigmaSpacing.KARRAS && !kind.takesSigmaSpacing()) {
            throw new IllegalArgumentException(
                    "sampler " + kind.label() + " cannot use Karras sigmas");
        }
        if (!(eta >= 0 && eta <= 1)) {
            throw new IllegalArgumentException("eta " + eta + " is outside [0,1]");
        }
        if (!(relativeTolerance >= MIN_RELATIVE_TOLERANCE) || !(absoluteTolerance >= 0)) {
            throw new IllegalArgumentException(
                    "tolerances %s (relative) and %s (absolute); the least are %s and 0"
                            .formatted(
                                    relativeTolerance, absoluteTolerance, MIN_RELATIVE_TOLERANCE));
        }
    }

    /**
     * A sampler with the default options.
     *
     * @param kind which
     * @param steps 1 to 1000
     * @return the kind's own spacing, no Karras sigmas, eta 0, both tolerances 1e-5
     */
    public static SamplerSettings of(SamplerKind kind, int steps) {
        return new SamplerSettings(
                kind,
                steps,
                kind.defaultSpacing(),
                SigmaSpacing.OF_LABELS,
                0,
                DEFAULT_TOLERANCE,
                DEFAULT_TOLERANCE);
    }

    /**
     * The same with another spacing.
     *
     * @param newSpacing of the labels
     * @return a copy
     */
    public SamplerSettings withSpacing(StepSpacing newSpacing) {
        return new SamplerSettings(
                kind, steps, newSpacing, sigmas, eta, relativeTolerance, absoluteTolerance);
    }

    /**
     * The same with other noise levels.
     *
     * @param newSigmas how they are spaced
     * @return a copy
     */
    public SamplerSettings withSigmas(SigmaSpacing newSigmas) {
        return new SamplerSettings(
                kind, steps, spacing, newSigmas, eta, relativeTolerance, absoluteTolerance);
    }

    /**
     * The same with another share of noise.
     *
     * @param newEta 0 to 1
     * @return a copy
     */
    public SamplerSettings withEta(double newEta) {
        return new SamplerSettings(
                kind, steps, spacing, sigmas, newEta, relativeTolerance, absoluteTolerance);
    }

    /**
     * The same with other tolerances.
     *
     * @param relative at least 1e-6
     * @param absolute at least 0
     * @return a copy
     */
    public SamplerSettings withTolerance(double relative, double absolute) {
        return new SamplerSettings(kind, steps, spacing, sigmas, eta, relative, absolute);
    }
}
