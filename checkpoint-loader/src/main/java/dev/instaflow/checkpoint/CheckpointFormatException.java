package dev.instaflow.checkpoint;

import java.io.IOException;

/**
 * A file is not a model that we can read, or not the model that was asked for. The message names the
 * file, the place in it, what was found, what was expected and, where there is something, what to do.
 */
public final class CheckpointFormatException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * A format error without another exception behind it.
     *
     * @param message file, place, found, expected
     */
    public CheckpointFormatException(String message) {
        super(message);
    }

    /**
     * A format error found by a library below.
     *
     * @param message file, place, found, expected
     * @param cause what the library said
     */
    public CheckpointFormatException(String message, Throwable cause) {
        super(message, cause);
    }
}
