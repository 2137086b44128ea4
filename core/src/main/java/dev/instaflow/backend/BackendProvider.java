package dev.instaflow.backend;

/** A kind of backend that may or may not run on this machine. Stateless and thread-safe. */
public interface BackendProvider {
    /**
     * What {@link #probe} found.
     *
     * @param usable whether {@link #open} will work, as far as can be told without opening
     * @param reason one line: what was found, and if it is not usable what to do about it
     */
    record Probe(boolean usable, String reason) {}

    /**
     * What users call it: {@code cpu}.
     *
     * @return a lower-case word
     */
    String name();

    /**
     * Looks for the hardware and the native libraries; never throws for their absence.
     *
     * @return usable, or why not
     */
    Probe probe();

    /**
     * Makes a backend, to be closed by the caller.
     *
     * @return a fresh backend
     * @throws BackendUnavailableException if it cannot run here
     */
    Backend open();
}
