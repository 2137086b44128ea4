package dev.instaflow.train.optim;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.ops.Ops;
import dev.instaflow.train.Parameter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Momentum whose step is made nearly orthogonal, for the matrices and convolution kernels inside a network;
 * AdamW for everything else. Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks": the
 * mean of gradients {@code m <- m + (1-momentum)(g-m)}, Nesterov's look ahead {@code g + momentum (m-g)}, five
 * Newton-Schulz steps, and the step {@code p <- p - lr sqrt(max(1, rows/columns)) O}. A kernel [Co,Ci,K,K] is the
 * matrix [Co,Ci*K*K]. Embeddings and the layers where a network begins and ends are AdamW's, as advised there.
 *
 * <p>The products run on a backend; the state is the mean and AdamW's moments. Not thread-safe.
 */
public final class Muon implements Optimizer {
    private static final String MEAN = ".momentum";

    /** Where values enter and leave the networks, and tables, by CompVis' names. */
    private static final List<String> OUTER =
            List.of(
                    "_embedding.",
                    ".diffusion_model.input_blocks.0.0.",
                    ".diffusion_model.out.",
                    ".encoder.conv_in.",
                    ".encoder.conv_out.",
                    ".decoder.conv_in.",
                    ".decoder.conv_out.",
                    "quant_conv.");

    /**
     * The constants.
     *
     * @param momentum of the mean, in [0,1)
     * @param weightDecay share of a parameter that a step of learning rate 1 would take away
     * @param restRate AdamW's learning rate as a share of this one's, above 0
     * @param rest AdamW's constants
     */
    public record Settings(
            double momentum, double weightDecay, double restRate, AdamW.Settings rest) {
        /** Momentum 0.95, no decay; AdamW at a tenth of the rate with 0.9, 0.99, 1e-8, no decay. */
        public static final Settings USUAL =
                new Settings(0.95, 0, 0.1, new AdamW.Settings(0.9, 0.99, 1e-8, 0));

        /** Checks the ranges. */
        public Settings {
            if (!(momentum >= 0 && momentum < 1 && weightDecay >= 0 && restRate > 0)) {
                throw new IllegalArgumentException(
                        "Muon with momentum %s, weight decay %s, AdamW's share of the rate %s; expected momentum in [0,1), decay at least 0, a share above 0"
                                .formatted(momentum, weightDecay, restRate));
            }
        }
    }

    private final Settings settings;
    private final TrainingBackend backend;
    private final NewtonSchulz newtonSchulz;
    private final AdamW rest;
    private final Map<String, float[]> means = new LinkedHashMap<>();
    private long steps;

    /**
     * At its first step.
     *
     * @param settings the constants
     * @param backend computes the products
     */
    public Muon(Settings settings, TrainingBackend backend) {
        this.settings = settings;
        this.backend = backend;
        this.newtonSchulz = new NewtonSchulz(backend);
        this.rest = new AdamW(settings.rest);
    }

    /** Whether a parameter's step is made orthogonal. */
    static boolean isInner(Parameter parameter) {
        return parameter.shape().rank() >= 2
                && OUTER.stream().noneMatch(part -> parameter.name().contains(part));
    }

    private static List<Parameter> others(List<Parameter> parameters) {
        return parameters.stream().filter(parameter -> !isInner(parameter)).toList();
    }

    @Override
    public void step(List<Parameter> parameters, double learningRate) {
        steps++;
        rest.step(others(parameters), learningRate * settings.restRate);
        List<Parameter> inner = parameters.stream().filter(Muon::isInner).toList();
        for (Parameter parameter : inner) {
            means.computeIfAbsent(
                    parameter.name() + MEAN, name -> new float[parameter.values().length]);
        }
        // Matrices are small: side by side they need no threads that wait for each other.
        backend.runParts(
                "Muon",
                inner.size(),
                (index, scope) -> step(scope.ops(), inner.get(index), learningRate));
    }

    private void step(Ops ops, Parameter parameter, double learningRate) {
        float[] values = parameter.values();
        float[] gradient = parameter.gradient();
        float[] mean = means.get(parameter.name() + MEAN);
        float[] ahead = new float[values.length];
        float share = (float) (1 - settings.momentum);
        float momentum = (float) settings.momentum;
        for (int i = 0; i < ahead.length; i++) {
            mean[i] += share * (gradient[i] - mean[i]);
            ahead[i] = gradient[i] + momentum * (mean[i] - gradient[i]);
        }
        int rows = parameter.shape().intSize(0);
        int columns = values.length / rows;
        float[] direction = newtonSchulz.orthogonal(ops, ahead, rows, columns);
        float keep = (float) (1 - learningRate * settings.weightDecay);
        float rate = (float) (learningRate * Math.sqrt(Math.max(1, (double) rows / columns)));
        for (int i = 0; i < values.length; i++) {
            values[i] = values[i] * keep - rate * direction[i];
        }
    }

    @Override
    public Map<String, float[]> state() {
        Map<String, float[]> state = new LinkedHashMap<>(means);
        state.putAll(rest.state());
        return state;
    }

    @Override
    public long steps() {
        return steps;
    }

    @Override
    public String description() {
        return "Muon with momentum %s, weight decay %s; at %s of its rate %s"
                .formatted(
                        settings.momentum,
                        settings.weightDecay,
                        settings.restRate,
                        rest.description());
    }

    @Override
    public void requireFit(List<Parameter> parameters, long madeSteps, Map<String, float[]> saved) {
        Map<String, Integer> needed = new LinkedHashMap<>();
        if (madeSteps > 0) {
            parameters.stream()
                    .filter(Muon::isInner)
                    .forEach(p -> needed.put(p.name() + MEAN, p.values().length));
        }
        SavedArrays.requireFit("Muon's state", needed, ofMeans(saved));
        rest.requireFit(others(parameters), madeSteps, ofRest(saved));
    }

    private static Map<String, float[]> ofMeans(Map<String, float[]> saved) {
        Map<String, float[]> part = new LinkedHashMap<>(saved);
        part.keySet().removeIf(name -> !name.endsWith(MEAN));
        return part;
    }

    private static Map<String, float[]> ofRest(Map<String, float[]> saved) {
        Map<String, float[]> part = new LinkedHashMap<>(saved);
        part.keySet().removeIf(name -> name.endsWith(MEAN));
        return part;
    }

    @Override
    public void restore(List<Parameter> parameters, long madeSteps, Map<String, float[]> saved) {
        requireFit(parameters, madeSteps, saved);
        steps = madeSteps;
        means.clear();
        means.putAll(ofMeans(saved));
        rest.restore(others(parameters), madeSteps, ofRest(saved));
    }
}
