package dev.instaflow.train.optim;

import dev.instaflow.train.Parameter;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Adam with decoupled weight decay. Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization",
 * in the order of operations of {@code torch.optim.AdamW}: decay, moments, then {@code p -= lr/(1-b1^t) *
 * m / (sqrt(v)/sqrt(1-b2^t) + eps)}, all in F32.
 */
public final class AdamW implements Optimizer {
    private static final String FIRST = ".exp_avg";
    private static final String SECOND = ".exp_avg_sq";

    /**
     * The constants.
     *
     * @param beta1 decay of the mean of gradients, in [0,1)
     * @param beta2 decay of the mean of their squares, in [0,1)
     * @param eps added to the root
     * @param weightDecay share of a parameter that a step of learning rate 1 would take away
     */
    public record Settings(double beta1, double beta2, double eps, double weightDecay) {
        /** torch's defaults: 0.9, 0.999, 1e-8, 0.01. */
        public static final Settings TORCH = new Settings(0.9, 0.999, 1e-8, 0.01);

        /** Checks the ranges. */
        public Settings {
            boolean valid =
                    beta1 >= 0
                            && beta1 < 1
                            && beta2 >= 0
                            && beta2 < 1
                            && eps > 0
                            && weightDecay >= 0;
            if (!valid) {
                throw new IllegalArgumentException(
                        ("AdamW with beta1 %s, beta2 %s, eps %s, weight decay %s; "
                                        + "expected betas in [0,1), eps above 0, decay at least 0")
                                .formatted(beta1, beta2, eps, weightDecay));
            }
        }
    }

    private final Settings settings;
    private final Map<String, float[]> state = new LinkedHashMap<>();
    private long steps;

    /**
     * At its first step.
     *
     * @param settings the constants
     */
    public AdamW(Settings settings) {
        this.settings = settings;
    }

    @Override
    public void step(List<Parameter> parameters, double learningRate) {
        steps++;
        double correction1 = 1 - StrictMath.pow(settings.beta1, steps);
        double correction2 = 1 - StrictMath.pow(settings.beta2, steps);
        float stepSize = (float) (learningRate / correction1);
        float root2 = (float) Math.sqrt(correction2);
        float keep = (float) (1 - learningRate * settings.weightDecay);
        for (Parameter parameter : parameters) {
            float[] m = moment(parameter, FIRST);
            float[] v = moment(parameter, SECOND);
            moments(parameter.gradient(), m, v);
            update(parameter.values(), m, v, keep, stepSize, root2);
        }
    }

    private float[] moment(Parameter parameter, String suffix) {
        return state.computeIfAbsent(
                parameter.name() + suffix, name -> new float[parameter.values().length]);
    }

    private void moments(float[] gradient, float[] m, float[] v) {
        float new1 = (float) (1 - settings.beta1);
        float keep2 = (float) settings.beta2;
        float new2 = (float) (1 - settings.beta2);
        for (int i = 0; i < m.length; i++) {
            m[i] += (gradient[i] - m[i]) * new1;
            v[i] = v[i] * keep2 + gradient[i] * gradient[i] * new2;
        }
    }

    private void update(float[] p, float[] m, float[] v, float keep, float stepSize, float root2) {
        float eps = (float) settings.eps;
        for (int i = 0; i < p.length; i++) {
            float denominator = (float) Math.sqrt(v[i]) / root2 + eps;
            p[i] = p[i] * keep - stepSize * (m[i] / denominator);
        }
    }

    @Override
    public Map<String, float[]> state() {
        return Collections.unmodifiableMap(state);
    }

    @Override
    public long steps() {
        return steps;
    }

    @Override
    public String description() {
        return "AdamW with beta1 %s, beta2 %s, eps %s, weight decay %s"
                .formatted(settings.beta1, settings.beta2, settings.eps, settings.weightDecay);
    }

    @Override
    public void requireFit(List<Parameter> parameters, long madeSteps, Map<String, float[]> saved) {
        Map<String, Integer> needed = new LinkedHashMap<>();
        if (madeSteps > 0) {
            for (Parameter parameter : parameters) {
                needed.put(parameter.name() + FIRST, parameter.values().length);
                needed.put(parameter.name() + SECOND, parameter.values().length);
            }
        }
        SavedArrays.requireFit("AdamW's state", needed, saved);
    }

    @Override
    public void restore(List<Parameter> parameters, long madeSteps, Map<String, float[]> saved) {
        requireFit(parameters, madeSteps, saved);
        steps = madeSteps;
        state.clear();
        state.putAll(saved);
    }
}
