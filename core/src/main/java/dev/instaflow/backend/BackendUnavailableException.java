package dev.instaflow.backend;

/** A backend cannot run here: wrong platform, or its native library is missing or does not load. */
public class BackendUnavailableException extends BackendException {
    private static final long serialVersionUID = 1L;

    /**
     * A backend that this machine or build does not have.
     *
     * @param message what was found and what to do
     */
    public BackendUnavailableException(String message) {
        super(message);
    }

    /**
     * A native library that failed to load.
     *
     * @param message what was found and what to do
     * @param cause what the loader threw
     */
    public BackendUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
