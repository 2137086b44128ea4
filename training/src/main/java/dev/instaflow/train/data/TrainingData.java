package dev.instaflow.train.data;

import dev.instaflow.tensor.Shape;

/**
 * Examples that a run learns from, by number; in memory or read when asked for. Immutable: a run that goes
 * on counts on seeing the same ones.
 */
public interface TrainingData {
    /**
     * The shape of a latent.
     *
     * @return [h,w,C]
     */
    Shape sample();

    /**
     * How many examples there are.
     *
     * @return at least 1
     */
    int size();

    /**
     * One of them.
     *
     * @param number in [0, {@link #size})
     * @return the same one each time
     * @throws java.io.UncheckedIOException if it lies in a file that cannot be read any more or is damaged
     */
    LatentData.Example example(int number);

    /**
     * What tells these examples from others.
     *
     * @return SHA-256 of all that an example has, in hexadecimal
     */
    String digest();

    /**
     * Which of them a step sees.
     *
     * @param seed of the run
     * @return determined by the seed alone
     */
    default ExampleOrder order(long seed) {
        return new DataOrder(seed, size());
    }
}
