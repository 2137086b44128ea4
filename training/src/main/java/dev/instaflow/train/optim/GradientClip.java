package dev.instaflow.train.optim;

import dev.instaflow.train.Parameter;
import java.util.List;

/**
 * Clipping by the norm of all gradients together. Pascanu et al. 2013, "On the difficulty of training
 * recurrent neural networks"; the factor is {@code max/(norm + 1e-6)} as in torch's {@code
 * clip_grad_norm_}.
 */
public final class GradientClip {
    private static final double EPS = 1e-6;

    private GradientClip() {}

    /**
     * The Euclidean norm of all gradients as one vector.
     *
     * @param parameters whose gradients
     * @return at least 0; NaN if one of them is
     */
    public static double norm(List<Parameter> parameters) {
        double squares = 0;
        for (Parameter parameter : parameters) {
            for (float value : parameter.gradient()) {
                squares += (double) value * value;
            }
        }
        return Math.sqrt(squares);
    }

    /**
     * Scales all gradients by one factor so that their norm is at most a limit.
     *
     * @param parameters whose gradients
     * @param norm as {@link #norm} gives it
     * @param limit above 0
     */
    public static void apply(List<Parameter> parameters, double norm, double limit) {
        double factor = limit / (norm + EPS);
        if (factor >= 1) {
            return;
        }
        for (Parameter parameter : parameters) {
            scale(parameter.gradient(), (float) factor);
        }
    }

    private static void scale(float[] values, float factor) {
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
    }
}
