package dev.instaflow.train.recipe;

/** Told how a run goes on, and asked whether it shall. Called by one thread. */
public interface RunMonitor {
    /**
     * A part begins, or is found finished.
     *
     * @param name its name; empty if there is one part alone
     * @param number from 1
     * @param count of all parts
     */
    void stage(String name, int number, int count);

    /**
     * Something goes on. Called often.
     *
     * @param what in some words
     * @param fraction share of this part's work that is done
     */
    void progress(String what, double fraction);

    /**
     * Something that people should know.
     *
     * @param line without a line break
     */
    void say(String line);

    /**
     * Whether the run shall save and stop.
     *
     * @return true once it shall
     */
    boolean isStopped();
}
