package dev.instaflow.train.objective;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Seed;
import java.util.List;

/** How far a prediction is from its target. */
@FunctionalInterface
public interface Loss {
    /**
     * A loss and where its gradients start.
     *
     * @param value of this batch
     * @param seeds for {@link dev.instaflow.train.Tape#backward}
     */
    record Result(double value, List<Seed> seeds) {}

    /** The mean of squared differences. */
    Loss SQUARED_ERROR =
            (ops, prediction, problem) -> {
                SquaredError error = SquaredError.of(ops, prediction, problem.target());
                return new Result(error.value(), List.of(new Seed(prediction, error.gradient())));
            };

    /**
     * Compares.
     *
     * @param ops a tape, where the loss computes further with the prediction
     * @param prediction what the network answered
     * @param problem what it was asked
     * @return value and seeds
     */
    Result of(Ops ops, Tensor prediction, Problem problem);
}
