package dev.instaflow.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * Files that are there whole or not at all: written beside the target, flushed to the disk, moved into
 * place. A failure leaves the old file, if there was one, and nothing else.
 */
public final class AtomicFile {
    private AtomicFile() {}

    /** Writes the content. */
    @FunctionalInterface
    public interface Body {
        /**
         * Creates and closes the file.
         *
         * @param temporary does not exist yet
         * @throws IOException if it cannot be written; the rest is cleaned up by the caller
         */
        void writeTo(Path temporary) throws IOException;
    }

    /**
     * Writes a file.
     *
     * @param target replaced if it exists; its folder must exist
     * @param body called once
     * @throws IOException from the body, or if the file cannot be moved into place
     */
    public static void write(Path target, Body body) throws IOException {
        Path absolute = target.toAbsolutePath();
        Path folder = absolute.getParent();
        if (folder == null || !Files.isDirectory(folder) || Files.isDirectory(absolute)) {
            throw new IOException(
                    target
                            + ": cannot write a file there: "
                            + (Files.isDirectory(absolute)
                                    ? "it is a folder"
                                    : "its folder does not exist; create it first"));
        }
        Path temporary =
                folder.resolve("." + absolute.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            body.writeTo(temporary);
            try (FileChannel written = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                written.force(true);
            }
            move(temporary, absolute);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) { // some network file systems
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
