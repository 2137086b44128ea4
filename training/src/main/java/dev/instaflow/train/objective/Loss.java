package dev.instaflow.train.objective;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Seed;
import java.util.List;

/** How far a prediction is from its target. */
public interface Loss {
    /**
     * A loss and where its gradients start.
     *
     * @param value of this batch
     * @param seeds for {@link dev.instaflow.train.Tape#backward}
     */
    record Result(double value, List<Seed> seeds) {}

    /** The mean of squared differences. */
    Loss SQUARED_ERROR = new MeanSquares();

    /**
     * Compares.
     *
     * @param ops a tape, where the loss computes further with the prediction
     * @param prediction what the network answered
     * @param problem what it was asked
     * @return value and seeds
     */
    Result of(Ops ops, Tensor prediction, Problem problem);

    /**
     * What it is with all its parameters, in words that a checkpoint keeps.
     *
     * @return different for losses that judge differently
     */
    String description();
}
