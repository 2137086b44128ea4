package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.Entry;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;

/** A checkpoint made of entries that are somewhere else; closing it closes nothing. */
public final class HeapCheckpoint extends TableCheckpoint {
    private HeapCheckpoint(Collection<? extends Entry> entries, Map<String, Object> metadata) {
        super(entries, metadata);
    }

    /**
     * Gathers entries.
     *
     * @param entries with distinct names
     * @param metadata plain values
     * @return a checkpoint of format {@link CheckpointFormat#MEMORY}
     * @throws IllegalArgumentException if two entries have one name
     */
    public static HeapCheckpoint of(
            Collection<? extends Entry> entries, Map<String, Object> metadata) {
        return new HeapCheckpoint(entries, metadata);
    }

    @Override
    public Path path() {
        return Path.of("memory");
    }

    @Override
    public CheckpointFormat format() {
        return CheckpointFormat.MEMORY;
    }

    @Override
    public void close() {}
}
