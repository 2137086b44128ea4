package dev.instaflow.train.evaluate;

/** Told how far an evaluation is; it may end it by an exception. */
@FunctionalInterface
public interface EvaluationMonitor {
    /** Tells nobody. */
    EvaluationMonitor NONE = (what, fraction) -> {};

    /**
     * Some work is done.
     *
     * @param what the model and what is done with it
     * @param fraction of the whole evaluation, 0 to 1, never falling
     */
    void on(String what, double fraction);
}
