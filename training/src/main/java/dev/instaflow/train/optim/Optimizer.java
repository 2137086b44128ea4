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
     * Continues from a state.
     *
     * @param steps made before
     * @param state as {@link #state} gave it; copied
     */
    void restore(long steps, Map<String, float[]> state);
}
