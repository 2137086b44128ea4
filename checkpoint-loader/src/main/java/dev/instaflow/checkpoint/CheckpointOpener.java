package dev.instaflow.checkpoint;

import dev.instaflow.checkpoint.ckpt.CkptReader;
import dev.instaflow.checkpoint.ckpt.LegacyReader;
import dev.instaflow.checkpoint.diffusers.DiffusersFolder;
import dev.instaflow.checkpoint.safetensors.SafetensorsReader;
import dev.instaflow.checkpoint.storage.MappedFile;
import java.io.IOException;
import java.nio.file.Path;

/** Tells by its first bytes what a file is, and hands it to the reader of that container. */
final class CheckpointOpener {
    private CheckpointOpener() {}

    static Checkpoint open(Path path) throws IOException {
        FileReport report = FileSniffer.look(path);
        return switch (report.kind()) {
            case CKPT_ZIP -> mapped(path, CkptReader::open);
            case CKPT_LEGACY -> mapped(path, LegacyReader::open);
            case SAFETENSORS -> mapped(path, SafetensorsReader::open);
            case DIFFUSERS_FOLDER -> DiffusersFolder.open(path);
            default -> throw new CheckpointFormatException(report.message());
        };
    }

    /** Reads a container out of a mapped file. */
    @FunctionalInterface
    private interface Reader {
        Checkpoint open(MappedFile file) throws IOException;
    }

    /** The result owns the file; if there is none, it is closed here. */
    private static Checkpoint mapped(Path path, Reader reader) throws IOException {
        MappedFile file = MappedFile.open(path);
        try {
            return reader.open(file);
        } catch (IOException | RuntimeException e) {
            try {
                file.close();
            } catch (IOException suppressed) {
                e.addSuppressed(suppressed);
            }
            throw e;
        }
    }
}
