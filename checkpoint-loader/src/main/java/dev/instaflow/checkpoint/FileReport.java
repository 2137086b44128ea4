package dev.instaflow.checkpoint;

import java.io.IOException;
import java.nio.file.Path;

/**
 * What a file is, without opening it as a model: for messages, and for tools that explain files.
 *
 * @param path the file or folder
 * @param kind what it is
 * @param found what gave it away, with sizes where they matter; one sentence
 * @param advice what to do about it; empty if nothing needs to be done
 */
public record FileReport(Path path, FileKind kind, String found, String advice) {
    /**
     * Looks at the first and last bytes of a file, or at the names in a folder.
     *
     * @param path anything that exists
     * @return never empty; damage inside a readable file is found by {@link Checkpoint#open} only
     * @throws IOException if it cannot be read
     */
    public static FileReport of(Path path) throws IOException {
        return FileSniffer.look(path);
    }

    /**
     * The report on one line.
     *
     * @return path, finding and advice
     */
    public String message() {
        return path + ": " + found + (advice.isEmpty() ? "" : "; " + advice);
    }
}
