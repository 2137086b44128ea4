package dev.instaflow.pipeline;

/**
 * Asks a running generation to stop; it does so after the current block, by a {@link
 * java.util.concurrent.CancellationException}, and the engine can be used again at once. Thread-safe.
 */
public final class CancelToken {
    private volatile boolean cancelled;

    /** Asks whoever watches this token to stop. */
    public void cancel() {
        cancelled = true;
    }

    /**
     * Whether {@link #cancel()} has been called.
     *
     * @return true from then on
     */
    public boolean isCancelled() {
        return cancelled;
    }
}
