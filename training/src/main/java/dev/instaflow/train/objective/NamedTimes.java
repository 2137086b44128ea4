package dev.instaflow.train.objective;

import dev.instaflow.train.RandomStream;
import java.util.function.ToDoubleFunction;

/** A distribution of times made of a function and the words for it. */
record NamedTimes(ToDoubleFunction<RandomStream> times, String description)
        implements TimeDistribution {
    @Override
    public double draw(RandomStream random) {
        return times.applyAsDouble(random);
    }
}
