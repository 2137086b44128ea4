package dev.instaflow.checkpoint.lora;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.Entry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A model with a LoRA added: {@code W + strength * alpha/rank * up * down}, computed as weights are read.
 * Changed weights are F32 whatever the file has; the others are the file's. A negative strength takes
 * away what was merged. Thread-safe; closing the view closes model and LoRA.
 */
public final class LoraView implements Checkpoint {
    private final Checkpoint source;
    private final LoraFile lora;
    private final Map<String, Entry> entries;

    private LoraView(Checkpoint source, LoraFile lora, Map<String, Entry> entries) {
        this.source = source;
        this.lora = lora;
        this.entries = Collections.unmodifiableMap(entries);
    }

    /**
     * Adds a LoRA to a model.
     *
     * @param compVis has CompVis names and is what the file was opened against; may be such a view itself
     * @param lora what is added
     * @param strength 1 for what was trained
     * @return a view that owns both
     */
    public static LoraView of(Checkpoint compVis, LoraFile lora, float strength) {
        Map<String, Entry> entries = new LinkedHashMap<>();
        compVis.entries().forEach(entry -> entries.put(entry.name(), entry));
        for (LoraModule module : lora.modules()) {
            Entry changed = AdaptedEntry.of(entries.get(module.target()), module, strength);
            entries.put(module.target(), changed);
        }
        return new LoraView(compVis, lora, entries);
    }

    @Override
    public Path path() {
        return source.path();
    }

    @Override
    public CheckpointFormat format() {
        return source.format();
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
        return source.metadata();
    }

    @Override
    public void verify() throws IOException {
        source.verify();
    }

    @Override
    public void close() throws IOException {
        try {
            lora.close();
        } finally {
            source.close();
        }
    }
}
