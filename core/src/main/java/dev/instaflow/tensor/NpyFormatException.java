package dev.instaflow.tensor;

import java.io.IOException;

/** A file is not a {@code .npy} file that we read. The message names the file and what is wrong. */
public final class NpyFormatException extends IOException {
    private static final long serialVersionUID = 1L;

    NpyFormatException(String message) {
        super(message);
    }
}
