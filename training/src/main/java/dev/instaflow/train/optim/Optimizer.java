package dev.instaflow.train.optim;

import dev.instaflow.train.Parameter;
import java.util.List;
import java.util.Map;

/** Changes parameters by their gradients. Its state is all that a resumed run needs of it. */
public interface Optimizer {
    /**
     * One step on the master values.
     *
     * @param parameters with their gradients, the same ones at each call
     * @param learningRate of this step
     */
    void step(List<Parameter> parameters, double learningRate);

    /**
     * What it keeps between steps.
     *
     * @return arrays by name, not copies; as many values as the parameter that the name begins with
     */
    Map<String, float[]> state();

    /**
     * How many steps it has made.
     *
     * @return at least 0
     */
    long steps();

    /**
     * What it is with all its constants, in words that a checkpoint keeps.
     *
     * @return different for optimisers that step differently
     */
    String description();

    /**
     * Checks a state without taking it.
     *
     * @param parameters that it will step on
     * @param steps made before
     * @param state as {@link #state} gave it
     * @throws IllegalArgumentException if an array is missing, is of another size or belongs to no parameter;
     *     the message names them
     */
    void requireFit(List<Parameter> parameters, long steps, Map<String, float[]> state);

    /**
     * Continues from a state.
     *
     * @param parameters that it will step on
     * @param steps made before
     * @param state as {@link #state} gave it; the arrays become the optimiser's own
     * @throws IllegalArgumentException as {@link #requireFit}; nothing has been changed then
     */
    void restore(List<Parameter> parameters, long steps, Map<String, float[]> state);
}
