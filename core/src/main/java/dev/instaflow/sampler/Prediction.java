package dev.instaflow.sampler;

import java.util.Locale;

/**
 * What the network's output means. A state is {@code x = signal * data + noise * eps}, see {@link
 * NoiseLevel}; with the state, each of the outputs determines data and eps.
 */
public enum Prediction {
    /** The noise eps. Ho et al. 2020; all Stable Diffusion 1.x models. */
    EPSILON {
        @Override
        Coefficients noise(NoiseLevel level) {
            return new Coefficients(0, 1);
        }

        @Override
        Coefficients data(NoiseLevel level) {
            return new Coefficients(1 / level.signal(), -level.noise() / level.signal());
        }
    },

    /**
     * {@code signal * eps - noise * data} of the state scaled to unit variance. Salimans and Ho 2022,
     * "Progressive Distillation for Fast Sampling of Diffusion Models".
     */
    V {
        @Override
        Coefficients noise(NoiseLevel level) {
            double scale = level.standardDeviation();
            return new Coefficients(level.noise() / (scale * scale), level.signal() / scale);
        }

        @Override
        Coefficients data(NoiseLevel level) {
            double scale = level.standardDeviation();
            return new Coefficients(level.signal() / (scale * scale), -level.noise() / scale);
        }
    },

    /**
     * {@code data - noise}, the velocity towards the image: {@code x} grows by {@code dt * v}. Stable
     * Diffusion 3 and Flux predict the opposite sign. Liu et al. 2022, "Flow Straight and Fast".
     */
    FLOW {
        @Override
        double inputScale(NoiseLevel level) {
            return 1;
        }

        @Override
        Coefficients noise(NoiseLevel level) {
            return new Coefficients(1, -level.signal());
        }

        @Override
        Coefficients data(NoiseLevel level) {
            return new Coefficients(1, level.noise());
        }
    };

    /** A quantity as {@code state * x + output * networkOutput}. */
    record Coefficients(double state, double output) {}

    /** What a state is multiplied with before the network sees it: diffusion models want variance 1. */
    double inputScale(NoiseLevel level) {
        return 1 / level.standardDeviation();
    }

    /** The noise eps in terms of a state at this level and the output there. */
    abstract Coefficients noise(NoiseLevel level);

    /** The data in terms of a state at this level and the output there. */
    abstract Coefficients data(NoiseLevel level);

    /**
     * As in a model card.
     *
     * @return {@code epsilon}, {@code v} or {@code flow}
     */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
