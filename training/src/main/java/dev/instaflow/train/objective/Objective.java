package dev.instaflow.train.objective;

import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;
import java.util.function.Function;

/** Makes problems of examples. Immutable; the same random numbers make the same problem. */
public interface Objective {
    /**
     * A problem for each example.
     *
     * @param examples latents, after the scale factor
     * @param random the streams of this step
     * @return N states, labels and targets
     */
    Problem draw(Examples examples, Function<Purpose, RandomStream> random);

    /**
     * What it is with all its parameters, in words that a checkpoint keeps.
     *
     * @return different for objectives that make different problems
     */
    String description();
}
