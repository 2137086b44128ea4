package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** A checkpoint made of entries that are somewhere else; closing it closes nothing. */
public final class HeapCheckpoint implements Checkpoint {
    private final Map<String, Entry> entries;
    private final Map<String, Object> metadata;

    private HeapCheckpoint(Map<String, Entry> entries, Map<String, Object> metadata) {
        this.entries = Collections.unmodifiableMap(entries);
        this.metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
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
        Map<String, Entry> byName = new LinkedHashMap<>();
        for (Entry entry : entries) {
            if (byName.put(entry.name(), entry) != null) {
                throw new IllegalArgumentException(
                        "two entries are called " + Escaped.quote(entry.name()));
            }
        }
        return new HeapCheckpoint(byName, metadata);
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
    public Collection<Entry> entries() {
        return entries.values();
    }

    @Override
    public Optional<Entry> find(String name) {
        return Optional.ofNullable(entries.get(name));
    }

    @Override
    public Map<String, Object> metadata() {
        return metadata;
    }

    @Override
    public void close() {}
}
