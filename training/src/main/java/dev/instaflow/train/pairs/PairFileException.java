package dev.instaflow.train.pairs;

import java.io.IOException;

/** A file of pairs that is damaged, no such file, or of other pairs; the message names it and what to do. */
public final class PairFileException extends IOException {
    private static final long serialVersionUID = 1;

    PairFileException(String message) {
        super(message);
    }

    PairFileException(String message, Throwable cause) {
        super(message, cause);
    }
}
