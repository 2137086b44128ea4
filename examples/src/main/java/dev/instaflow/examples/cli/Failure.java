package dev.instaflow.examples.cli;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.image.ImageFileException;
import dev.instaflow.tensor.NpyFormatException;
import dev.instaflow.tokenizer.TokenizerFormatException;
import java.io.FileNotFoundException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Set;
import java.util.concurrent.CancellationException;

/** What an exception means to the user: an exit code and a line. */
final class Failure {
    static final int DONE = 0;
    static final int FAILED = 1;
    static final int BAD_INPUT = 2;

    /** Exceptions by which the library says that what it was given is at fault. */
    private static final Set<Class<? extends Exception>> BAD_INPUTS =
            Set.of(
                    IllegalArgumentException.class,
                    BadInputException.class,
                    CheckpointFormatException.class,
                    ImageFileException.class,
                    NpyFormatException.class,
                    TokenizerFormatException.class,
                    NoSuchFileException.class,
                    FileNotFoundException.class,
                    FileAlreadyExistsException.class);

    private Failure() {}

    static int exitCode(Exception e) {
        Exception cause = unwrapped(e);
        return BAD_INPUTS.stream().anyMatch(type -> type.isInstance(cause)) ? BAD_INPUT : FAILED;
    }

    static String message(Exception e) {
        Exception cause = unwrapped(e);
        if (cause instanceof CancellationException) {
            return "cancelled";
        }
        if (cause instanceof FileSystemException file && file.getFile() != null) {
            return file.getFile() + ": " + reason(file);
        }
        // An exception without a message is nothing that we throw on purpose; its name helps.
        return cause.getMessage() == null
                ? cause.getClass().getSimpleName() + " (--debug shows where)"
                : cause.getMessage();
    }

    private static String reason(FileSystemException e) {
        if (e instanceof NoSuchFileException) {
            return "no such file or folder";
        }
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (e.getReason() != null) {
            return e.getReason();
        }
        return e instanceof FileAlreadyExistsException
                ? "exists already"
                : e.getClass().getSimpleName();
    }

    private static Exception unwrapped(Exception e) {
        return e instanceof UncheckedIOException io ? io.getCause() : e;
    }

    /** Picocli lists alternatives on lines of their own. */
    static String oneLine(String message) {
        return message == null ? "" : message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
