package dev.instaflow.pipeline;

/**
 * Who watches a generation and who may stop it.
 *
 * @param listener told after each block
 * @param cancel asked after each block
 */
public record RunControl(Progress.Listener listener, CancelToken cancel) {
    /**
     * Nobody watches.
     *
     * @return a control that cannot be cancelled from outside
     */
    public static RunControl none() {
        return new RunControl(Progress.Listener.NONE, new CancelToken());
    }

    /**
     * A watched run.
     *
     * @param listener told after each block
     * @return a control with a token of its own
     */
    public static RunControl watchedBy(Progress.Listener listener) {
        return new RunControl(listener, new CancelToken());
    }
}
