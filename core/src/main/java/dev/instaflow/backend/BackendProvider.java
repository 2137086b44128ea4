package dev.instaflow.backend;

/**
 * A kind of backend that may or may not run on this machine. Stateless and thread-safe. {@link Device}
 * finds them as services, so that this package depends on none of its implementations.
 */
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
     * The same for one of several devices of this kind.
     *
     * @param index which, from 0; the provider as it is found takes the first that fits
     * @return a provider for that device alone, which may turn out not to be there
     * @throws IllegalArgumentException if this kind has no numbered devices
     */
    default BackendProvider at(int index) {
        throw new IllegalArgumentException(
                "device \""
                        + name()
                        + ":"
                        + index
                        + "\": the devices of "
                        + name()
                        + " are not numbered");
    }

    /**
     * Looks for the hardware and the native libraries; never throws for their absence.
     *
     * @return usable, or why not
     */
    Probe probe();

    /**
     * Makes a backend, to be closed by the caller.
     *
     * @param threads threads that share the work of one operation, where the backend has threads; 0
     *     for as many as there are processors
     * @return a fresh backend
     * @throws IllegalArgumentException if {@code threads} is negative
     * @throws BackendUnavailableException if it cannot run here
     */
    Backend open(int threads);

    /**
     * Makes a backend that keeps weights in a certain way, to be closed by the caller.
     *
     * @param threads as for {@link #open(int)}
     * @param weights how weights are kept; a backend that knows one way alone keeps to that
     * @return a fresh backend
     * @throws IllegalArgumentException if {@code threads} is negative
     * @throws BackendUnavailableException if it cannot run here
     */
    default Backend open(int threads, WeightStorage weights) {
        return open(threads);
    }
}
