package dev.instaflow.checkpoint.layout;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.storage.RenamedEntry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Any checkpoint under CompVis names: {@code model.diffusion_model.*}, {@code first_stage_model.*},
 * {@code cond_stage_model.transformer.text_model.*}. The source may be a whole model or one part,
 * in either naming, behind a prefix of its own or none; VAE attention weights come as [O,I,1,1].
 * Tensors that belong to no part keep their names. No value is copied. Thread-safe; closing the
 * view closes its source.
 */
public final class CompVisView implements Checkpoint {
    private final Checkpoint source;
    private final Map<String, Entry> entries;
    private final Set<ModelPart> parts;

    private CompVisView(Checkpoint source, Map<String, Entry> entries, Set<ModelPart> parts) {
        this.source = source;
        this.entries = Collections.unmodifiableMap(entries);
        this.parts = Collections.unmodifiableSet(parts);
    }

    /**
     * The plain weights of a checkpoint; EMA weights stay under their {@code model_ema.*} names.
     *
     * @param source an open checkpoint
     * @return a view of all its tensors
     * @throws CheckpointFormatException if two tensors would get the same name
     */
    public static CompVisView of(Checkpoint source) throws CheckpointFormatException {
        List<PartRoot> roots = PartRoot.find(source.entries().stream().map(Entry::name).toList());
        Map<String, Entry> renamed = rename(source, roots);
        Set<ModelPart> parts = EnumSet.noneOf(ModelPart.class);
        roots.forEach(root -> parts.add(root.part()));
        return new CompVisView(source, renamed, parts);
    }

    /**
     * One of the weight sets of a checkpoint.
     *
     * @param source an open checkpoint
     * @param weights {@link WeightSet#EMA} serves the U-Net's averages under the normal names, and
     *     lists no {@code model_ema.*}
     * @return a view of the set
     * @throws CheckpointFormatException if two tensors would get the same name, or if the EMA
     *     weights are asked for and the file does not have all of them
     */
    public static CompVisView of(Checkpoint source, WeightSet weights)
            throws CheckpointFormatException {
        CompVisView plain = of(source);
        return switch (weights) {
            case PLAIN -> plain;
            case EMA -> new CompVisView(source, EmaWeights.replace(plain), plain.parts);
        };
    }

    /**
     * Opens a model file or folder and views it.
     *
     * @param path as for {@link Checkpoint#open}
     * @param weights which weights
     * @return a view that owns the open file
     * @throws IOException as {@link Checkpoint#open} and {@link #of(Checkpoint, WeightSet)}
     */
    public static CompVisView open(Path path, WeightSet weights) throws IOException {
        Checkpoint source = Checkpoint.open(path);
        try {
            return of(source, weights);
        } catch (IOException | RuntimeException e) {
            source.close();
            throw e;
        }
    }

    /**
     * The checkpoint that is viewed, with its own names.
     *
     * @return for example a {@code DiffusersFolder}, which knows its configuration files
     */
    public Checkpoint source() {
        return source;
    }

    /**
     * The networks of which the file has tensors.
     *
     * @return immutable, possibly empty
     */
    public Set<ModelPart> parts() {
        return parts;
    }

    /**
     * Whether the file has EMA weights beside the plain ones.
     *
     * @return true if more than 100 names begin with {@code model_ema.}, or all names of the U-Net
     *     have an average
     */
    public boolean hasEma() {
        return EmaWeights.presentIn(this);
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
        source.close();
    }

    private static Map<String, Entry> rename(Checkpoint source, List<PartRoot> roots)
            throws CheckpointFormatException {
        Map<PartRoot, PartNames> names = new LinkedHashMap<>();
        for (PartRoot root : roots) {
            List<String> bare = new ArrayList<>();
            for (Entry entry : source.entries()) {
                if (entry.name().startsWith(root.prefix())) {
                    bare.add(entry.name().substring(root.prefix().length()));
                }
            }
            names.put(root, root.names(bare));
        }
        Map<String, Entry> renamed = new LinkedHashMap<>();
        for (Entry entry : source.entries()) {
            String name = compVisName(entry.name(), names);
            if (renamed.put(name, view(entry, name)) != null) {
                throw new CheckpointFormatException(
                        "%s: two tensors are %s in CompVis naming, one of them %s; expected one"
                                .formatted(
                                        source.path(),
                                        Escaped.quote(name),
                                        Escaped.quote(entry.name())));
            }
        }
        return renamed;
    }

    private static Entry view(Entry entry, String name) {
        List<Long> shape = KeyMap.compVisShape(name, entry.shape());
        boolean same = entry.name().equals(name) && entry.shape().equals(shape);
        return same ? entry : RenamedEntry.of(entry, name, shape);
    }

    private static String compVisName(String name, Map<PartRoot, PartNames> roots) {
        for (Map.Entry<PartRoot, PartNames> root : roots.entrySet()) {
            String prefix = root.getKey().prefix();
            if (name.startsWith(prefix)) {
                Optional<String> found =
                        root.getKey().compVis(root.getValue(), name.substring(prefix.length()));
                if (found.isPresent()) {
                    return found.get();
                }
            }
        }
        for (PartRoot root : roots.keySet()) {
            String outer = root.outerPrefix();
            if (!outer.isEmpty() && name.startsWith(outer)) {
                return name.substring(outer.length());
            }
        }
        return name;
    }
}
