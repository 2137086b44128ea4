package dev.instaflow.checkpoint.lora;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A LoRA file, read against the model that it changes. Understood are kohya's names, diffusers' old and
 * present ones and PEFT's, with the blocks' names of diffusers or CompVis, in any container. Thread-safe;
 * its modules must not be read after {@link #close()}.
 */
public final class LoraFile implements AutoCloseable {
    private static final int LISTED = 12;

    /** Where diffusers since 0.34 keeps PEFT's settings, as JSON. */
    private static final String ADAPTER_METADATA = "lora_adapter_metadata";

    private final Checkpoint source;
    private final List<LoraModule> modules;
    private final List<String> ignored;

    private LoraFile(Checkpoint source, List<LoraModule> modules, List<String> ignored) {
        this.source = source;
        this.modules = List.copyOf(modules);
        this.ignored = List.copyOf(ignored);
    }

    /**
     * Opens a file.
     *
     * @param path as for {@link Checkpoint#open}
     * @param targets of the model
     * @param unknown what becomes of keys without a meaning for that model
     * @return to be closed by the caller
     * @throws CheckpointFormatException if it holds no LoRA, or one of another model
     * @throws IOException if it cannot be read
     */
    public static LoraFile open(Path path, LoraTargets targets, UnknownKeys unknown)
            throws IOException {
        Checkpoint source = Checkpoint.open(path);
        try {
            return of(source, targets, unknown);
        } catch (IOException | RuntimeException e) {
            source.close();
            throw e;
        }
    }

    /**
     * Reads an open checkpoint.
     *
     * @param source belongs to the result
     * @param targets of the model
     * @param unknown what becomes of keys without a meaning for that model
     * @return to be closed by the caller
     * @throws CheckpointFormatException as {@link #open}
     * @throws IOException as {@link #open}
     */
    public static LoraFile of(Checkpoint source, LoraTargets targets, UnknownKeys unknown)
            throws IOException {
        Map<String, Map<LoraKey.Role, Entry>> found = new LinkedHashMap<>();
        Map<String, String> spelled = new LinkedHashMap<>();
        List<String> strange = new ArrayList<>();
        for (Entry entry : source.entries()) {
            Optional<LoraKey> key = LoraKey.parse(entry.name());
            Optional<String> target = key.flatMap(k -> targets.find(k.module()));
            if (target.isEmpty()) {
                strange.add(entry.name());
                continue;
            }
            spelled.put(target.get(), key.get().module());
            Map<LoraKey.Role, Entry> roles =
                    found.computeIfAbsent(target.get(), t -> new EnumMap<>(LoraKey.Role.class));
            if (roles.put(key.get().role(), entry) != null) {
                throw new CheckpointFormatException(
                        "%s: two tensors are the %s of \"%s\", one of them %s; expected one"
                                .formatted(
                                        source.path(),
                                        key.get().role(),
                                        target.get(),
                                        Escaped.quote(entry.name())));
            }
        }
        if (found.isEmpty() || unknown == UnknownKeys.REFUSE && !strange.isEmpty()) {
            throw refusal(source, found.size(), strange);
        }
        JsonNode settings = settings(source);
        List<LoraModule> modules = new ArrayList<>();
        for (Map.Entry<String, Map<LoraKey.Role, Entry>> module : found.entrySet()) {
            String target = module.getKey();
            LoraSettings of = LoraSettings.of(settings, spelled.get(target));
            modules.add(module(source, targets, target, module.getValue(), of));
        }
        return new LoraFile(source, modules, strange);
    }

    private static CheckpointFormatException refusal(
            Checkpoint source, int known, List<String> strange) {
        List<String> some =
                strange.stream().limit(LISTED).map(name -> "\n  " + Escaped.plain(name)).toList();
        String more =
                strange.size() > LISTED ? "\n  and " + (strange.size() - LISTED) + " more" : "";
        return new CheckpointFormatException(
                ("%s: of its %d tensors, %d belong to no LoRA of this model, which has %d others: another"
                                + " model's, or not of the form alpha/rank * up * down:%s%s")
                        .formatted(
                                source.path(),
                                source.entries().size(),
                                strange.size(),
                                known,
                                String.join("", some),
                                more));
    }

    private static JsonNode settings(Checkpoint source) throws CheckpointFormatException {
        if (!(source.metadata().get(ADAPTER_METADATA) instanceof String json)) {
            return MissingNode.getInstance();
        }
        try {
            return new ObjectMapper().readTree(json);
        } catch (JsonProcessingException e) {
            throw new CheckpointFormatException(
                    "%s: its %s is not JSON: %s"
                            .formatted(
                                    source.path(),
                                    ADAPTER_METADATA,
                                    Escaped.plain(e.getOriginalMessage())));
        }
    }

    private static LoraModule module(
            Checkpoint source,
            LoraTargets targets,
            String target,
            Map<LoraKey.Role, Entry> roles,
            LoraSettings settings)
            throws IOException {
        Entry down = roles.get(LoraKey.Role.DOWN);
        Entry up = roles.get(LoraKey.Role.UP);
        if (down == null || up == null) {
            throw new CheckpointFormatException(
                    "%s: the LoRA of \"%s\" has no %s"
                            .formatted(source.path(), target, down == null ? "down" : "up"));
        }
        List<Long> shape = targets.shapes().get(target);
        try {
            int rank = Math.toIntExact(down.shape().isEmpty() ? 0 : down.shape().get(0));
            double alpha = alpha(roles, settings.alpha(rank), rank);
            LoraModule module = new LoraModule(target, down, up, alpha);
            if (!module.fits(shape)) {
                throw new IllegalArgumentException(
                        "LoRA of \"%s\" %s has down %s and up %s: made for a model of other sizes"
                                .formatted(target, shape, down.shape(), up.shape()));
            }
            return module;
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new CheckpointFormatException(source.path() + ": " + e.getMessage());
        }
    }

    /** As sd-scripts has it, no alpha or one of 0 is the rank: no scaling. */
    private static double alpha(Map<LoraKey.Role, Entry> roles, double otherwise, int rank)
            throws IOException {
        Entry entry = roles.get(LoraKey.Role.ALPHA);
        if (entry == null) {
            return otherwise;
        }
        if (entry.count() != 1) {
            throw new IllegalArgumentException(
                    "alpha " + Escaped.quote(entry.name()) + " has the shape " + entry.shape());
        }
        float[] value = new float[1];
        entry.readFloats(0, value, 0, 1);
        return value[0] == 0 ? rank : value[0];
    }

    /**
     * What it changes.
     *
     * @return one for each weight, in the file's order
     */
    public List<LoraModule> modules() {
        return modules;
    }

    /**
     * Keys that have no effect.
     *
     * @return names as the file has them; empty unless they were to be ignored
     */
    public List<String> ignored() {
        return ignored;
    }

    /**
     * Where it came from.
     *
     * @return the path that was opened
     */
    public Path path() {
        return source.path();
    }

    /**
     * What its author noted.
     *
     * @return as {@link Checkpoint#metadata}
     */
    public Map<String, Object> metadata() {
        return source.metadata();
    }

    @Override
    public void close() throws IOException {
        source.close();
    }
}
