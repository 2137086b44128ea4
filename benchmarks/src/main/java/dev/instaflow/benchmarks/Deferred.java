package dev.instaflow.benchmarks;

import dev.instaflow.tensor.Tensor;

/**
 * A backend whose operations record what is to be computed, and that gets ready for it at the first use of
 * a result.
 */
public interface Deferred {
    /**
     * Computes a result without handing it over: what a benchmark of one operation times.
     *
     * @param result of this backend
     */
    void compute(Tensor result);

    /**
     * The time spent so far on getting ready, which is not part of a stage but of loading.
     *
     * @return a sum that only grows
     */
    StageTime prepared();
}
