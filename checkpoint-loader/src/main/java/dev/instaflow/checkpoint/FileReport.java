package dev.instaflow.checkpoint;

import dev.instaflow.checkpoint.ckpt.ZipReport;
import dev.instaflow.checkpoint.safetensors.SafetensorsReader;
import dev.instaflow.checkpoint.storage.MappedFile;
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
     * Looks at the first and last bytes of a file and at its directory or header, or at the names in a
     * folder.
     *
     * @param path anything that exists
     * @return never empty; damage inside a readable file is found by {@link Checkpoint#open} only
     * @throws IOException if it cannot be read
     */
    public static FileReport of(Path path) throws IOException {
        FileReport first = FileSniffer.look(path);
        if (first.kind() != FileKind.CKPT_ZIP && first.kind() != FileKind.SAFETENSORS) {
            return first;
        }
        try (MappedFile file = MappedFile.open(path)) {
            return first.kind() == FileKind.CKPT_ZIP
                    ? ZipReport.of(file)
                    : SafetensorsReader.report(file);
        } catch (CheckpointFormatException e) { // damaged inside: opening it will say so
            return first;
        }
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
