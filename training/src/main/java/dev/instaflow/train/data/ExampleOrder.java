package dev.instaflow.train.data;

/** Numbers of examples by their position in a run, so that a run has no data position but its step. */
@FunctionalInterface
public interface ExampleOrder {
    /**
     * The examples from a position on, counted through all epochs.
     *
     * @param position of the first
     * @param count how many
     * @return numbers of examples
     */
    int[] examples(long position, int count);
}
