package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;

/** Something to be timed: our backend, or a peer that {@link java.util.ServiceLoader} finds. */
public interface Engine {
    /**
     * What {@code -p engine=} calls it.
     *
     * @return a lower-case word
     */
    String name();

    /**
     * Starts it.
     *
     * @param threads for each operation, at least 1
     * @return to be closed by the caller
     */
    Backend open(int threads);
}
