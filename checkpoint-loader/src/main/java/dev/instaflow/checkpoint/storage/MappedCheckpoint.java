package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.Entry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The tensors of one mapped file. */
public final class MappedCheckpoint extends TableCheckpoint {
    private final MappedFile file;
    private final CheckpointFormat format;
    private final Check check;

    /** Reads the whole file and compares it with the checksums that it holds. */
    @FunctionalInterface
    public interface Check {
        /**
         * Runs the check.
         *
         * @throws IOException if the file is damaged or cannot be read
         */
        void run() throws IOException;
    }

    /**
     * A checkpoint that owns its file.
     *
     * @param file closed with the checkpoint
     * @param format the container
     * @param entries with distinct names, in file order
     * @param metadata plain values
     * @param check what {@link #verify} does
     */
    public MappedCheckpoint(
            MappedFile file,
            CheckpointFormat format,
            List<? extends Entry> entries,
            Map<String, Object> metadata,
            Check check) {
        super(entries, metadata);
        this.file = file;
        this.format = format;
        this.check = check;
    }

    @Override
    public Path path() {
        return file.path();
    }

    @Override
    public CheckpointFormat format() {
        return format;
    }

    @Override
    public void verify() throws IOException {
        check.run();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
