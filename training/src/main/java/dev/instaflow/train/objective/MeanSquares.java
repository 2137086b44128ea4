package dev.instaflow.train.objective;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Seed;
import java.util.List;

/** {@link SquaredError} as a loss. */
record MeanSquares() implements Loss {
    @Override
    public Result of(Ops ops, Tensor prediction, Problem problem) {
        SquaredError error = SquaredError.of(ops, prediction, problem.target());
        return new Result(error.value(), List.of(new Seed(prediction, error.gradient())));
    }

    @Override
    public String description() {
        return "squared error";
    }
}
