package dev.instaflow.backend;

/** A native library failed. The message names the library, the call, its status and the tensors. */
public class BackendException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * A failure without another exception behind it.
     *
     * @param message library, call, status, tensors
     */
    public BackendException(String message) {
        super(message);
    }

    /**
     * A failure reported by an exception.
     *
     * @param message library, call, status, tensors
     * @param cause what was thrown below
     */
    public BackendException(String message, Throwable cause) {
        super(message, cause);
    }
}
