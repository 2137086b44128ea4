package dev.instaflow.image;

import java.io.IOException;

/** An image file cannot be read or written; the message names the file and says what to do. */
public final class ImageFileException extends IOException {
    private static final long serialVersionUID = 1L;

    ImageFileException(String message) {
        super(message);
    }

    ImageFileException(String message, Throwable cause) {
        super(message, cause);
    }
}
