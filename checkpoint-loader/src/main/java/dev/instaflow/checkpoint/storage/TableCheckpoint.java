package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** What checkpoints have in common once their entries are known: a table by name, in order. */
abstract class TableCheckpoint implements Checkpoint {
    private final Map<String, Entry> entries;
    private final Map<String, Object> metadata;

    TableCheckpoint(Collection<? extends Entry> entries, Map<String, Object> metadata) {
        Map<String, Entry> byName = new LinkedHashMap<>();
        for (Entry entry : entries) {
            if (byName.put(entry.name(), entry) != null) {
                throw new IllegalArgumentException(
                        "two entries are called " + Escaped.quote(entry.name()));
            }
        }
        this.entries = Collections.unmodifiableMap(byName);
        this.metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }

    @Override
    public final Collection<Entry> entries() {
        return entries.values();
    }

    @Override
    public final Optional<Entry> find(String name) {
        return Optional.ofNullable(entries.get(name));
    }

    @Override
    public final Map<String, Object> metadata() {
        return metadata;
    }
}
