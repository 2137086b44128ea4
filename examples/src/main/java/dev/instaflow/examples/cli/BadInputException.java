package dev.instaflow.examples.cli;

import java.io.IOException;

/** What the user named cannot be used. The message says what, why, and what to do. */
final class BadInputException extends IOException {
    private static final long serialVersionUID = 1L;

    BadInputException(String message) {
        super(message);
    }
}
