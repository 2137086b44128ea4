package dev.instaflow.train.optim;

import dev.instaflow.train.Parameter;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An exponential moving average of parameters with a warm-up: at update n, counted from 1, the average
 * keeps {@code min(decay, (1+n)/(10+n))} of itself. CompVis' {@code LitEma}
 * (CompVis/stable-diffusion 21f890f, ldm/modules/ema.py).
 */
public final class Ema {
    private final double decay;
    private final Map<String, float[]> averages = new LinkedHashMap<>();
    private long updates;

    /**
     * An average that starts at the parameters' present values.
     *
     * @param decay the share kept in the long run, in [0,1)
     * @param parameters what is averaged
     */
    public Ema(double decay, List<Parameter> parameters) {
        if (!(decay >= 0 && decay < 1)) {
            throw new IllegalArgumentException("EMA decay " + decay + " is outside [0,1)");
        }
        this.decay = decay;
        parameters.forEach(p -> averages.put(p.name(), p.values().clone()));
    }

    /**
     * Takes in the values after a step.
     *
     * @param parameters those given at construction
     */
    public void update(List<Parameter> parameters) {
        updates++;
        double keep = Math.min(decay, (1.0 + updates) / (10.0 + updates));
        float share = (float) (1 - keep);
        for (Parameter parameter : parameters) {
            move(averages.get(parameter.name()), parameter.values(), share);
        }
    }

    private static void move(float[] average, float[] values, float share) {
        for (int i = 0; i < average.length; i++) {
            average[i] -= share * (average[i] - values[i]);
        }
    }

    /**
     * The averages by the parameters' names.
     *
     * @return not copies
     */
    public Map<String, float[]> averages() {
        return Collections.unmodifiableMap(averages);
    }

    /**
     * How many steps were taken in.
     *
     * @return at least 0
     */
    public long updates() {
        return updates;
    }

    /**
     * The share kept in the long run.
     *
     * @return in [0,1)
     */
    public double decay() {
        return decay;
    }

    /**
     * Checks a state without taking it.
     *
     * @param saved as {@link #averages} gave it
     * @throws IllegalArgumentException if an average is missing, is of another size or belongs to no parameter
     */
    public void requireFit(Map<String, float[]> saved) {
        Map<String, Integer> needed = new LinkedHashMap<>();
        averages.forEach((name, values) -> needed.put(name, values.length));
        SavedArrays.requireFit("averages", needed, saved);
    }

    /**
     * Continues from a state.
     *
     * @param madeUpdates taken in before
     * @param saved as {@link #averages} gave it; the arrays become this object's own
     * @throws IllegalArgumentException as {@link #requireFit}; nothing has been changed then
     */
    public void restore(long madeUpdates, Map<String, float[]> saved) {
        requireFit(saved);
        updates = madeUpdates;
        averages.replaceAll((name, values) -> saved.get(name));
    }
}
