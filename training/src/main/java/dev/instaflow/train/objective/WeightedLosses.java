package dev.instaflow.train.objective;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A weighted sum of losses.
 *
 * @param terms at least one
 */
public record WeightedLosses(List<Term> terms) implements Loss {
    /**
     * One of the losses.
     *
     * @param loss what it is
     * @param weight above 0
     */
    public record Term(Loss loss, double weight) {
        /** Checks the weight. */
        public Term {
            if (!(weight > 0) || Double.isInfinite(weight)) {
                throw new IllegalArgumentException(
                        "weight " + weight + " of the loss \"" + loss.description() + '"');
            }
        }
    }

    /** Checks that there is one. */
    public WeightedLosses {
        terms = List.copyOf(terms);
        if (terms.isEmpty()) {
            throw new IllegalArgumentException("a sum of no losses");
        }
    }

    @Override
    public Result of(Ops ops, Tensor prediction, Problem problem) {
        double value = 0;
        List<Seed> seeds = new ArrayList<>();
        for (Term term : terms) {
            Result result = term.loss.of(ops, prediction, problem);
            value += term.weight * result.value();
            float[][] factor = {{(float) term.weight}};
            for (Seed seed : result.seeds()) {
                seeds.add(new Seed(seed.output(), ops.combine(factor, seed.gradient())));
            }
        }
        return new Result(value, seeds);
    }

    @Override
    public String description() {
        return terms.stream()
                .map(term -> term.weight + " of " + term.loss.description())
                .collect(Collectors.joining(", "));
    }
}
