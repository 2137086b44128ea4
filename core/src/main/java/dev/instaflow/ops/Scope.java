package dev.instaflow.ops;

import dev.instaflow.tensor.Tensor;

/**
 * The life span of tensors: whatever the scope's {@link #ops()} make dies when it closes, except what
 * escapes to the scope around it. Always used in try-with-resources, on one thread.
 */
public interface Scope extends AutoCloseable {
    /**
     * The operations whose results belong to this scope.
     *
     * @return the same object at each call
     * @throws IllegalStateException after {@link #close()}
     */
    Ops ops();

    /**
     * Hands a tensor of this scope to the scope around it; from a backend's root scope it becomes the
     * caller's, who closes it.
     *
     * @param tensor made by {@link #ops()}; a tensor of an outer scope is returned as it is
     * @return {@code tensor}
     */
    Tensor escape(Tensor tensor);

    /** Frees every tensor that has not escaped; a second call does nothing. */
    @Override
    void close();
}
