package dev.instaflow.checkpoint.convert;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.UUID;

/** A folder that appears whole or not at all: filled beside its place, then moved there. */
public final class AtomicFolder {
    private AtomicFolder() {}

    /** Fills a folder. */
    @FunctionalInterface
    public interface Body {
        /**
         * Writes the files.
         *
         * @param temporary an empty folder
         * @throws IOException if one cannot be written; the rest is cleaned up by the caller
         */
        void fill(Path temporary) throws IOException;
    }

    /**
     * Writes a folder.
     *
     * @param target what is there is removed once the new folder is whole; the caller asked
     * @param body called once
     * @throws IOException from the body, or if the folder cannot be moved into place
     */
    public static void write(Path target, Body body) throws IOException {
        Path absolute = target.toAbsolutePath();
        Path parent = absolute.getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            throw new IOException(
                    target + ": cannot write a folder there: its parent does not exist");
        }
        String name = "." + absolute.getFileName() + "." + UUID.randomUUID();
        Path temporary = Files.createDirectory(parent.resolve(name + ".part"));
        try {
            body.fill(temporary);
            if (Files.exists(absolute)) {
                swap(temporary, absolute, parent.resolve(name + ".old"));
            } else {
                Files.move(temporary, absolute);
            }
        } finally {
            delete(temporary);
        }
    }

    /** No file system exchanges two folders in one step: for a moment there is none. */
    private static void swap(Path temporary, Path target, Path aside) throws IOException {
        Files.move(target, aside);
        try {
            Files.move(temporary, target);
        } catch (IOException e) {
            Files.move(aside, target);
            throw e;
        }
        delete(aside);
    }

    private static void delete(Path path) throws IOException {
        if (!Files.exists(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(
                path,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(Path folder, IOException failure)
                            throws IOException {
                        if (failure != null) {
                            throw failure;
                        }
                        Files.delete(folder);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
