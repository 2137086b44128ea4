package dev.instaflow.checkpoint.layout;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.storage.RenamedEntry;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.UnaryOperator;

/**
 * A checkpoint of names, types and shapes. Element i of a tensor reads as the hash of the name that
 * the tensor was made with, plus i: so a view that mixes tensors up is caught.
 */
public final class FakeCheckpoint implements Checkpoint {
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private Path path = Path.of("fake.ckpt");

    /** Names, types and shapes that an original program wrote, in its order. */
    public static FakeCheckpoint fixture(String name) {
        FakeCheckpoint checkpoint = new FakeCheckpoint();
        json(name)
                .properties()
                .forEach(
                        field -> {
                            List<Long> shape = new ArrayList<>();
                            field.getValue().get("shape").forEach(n -> shape.add(n.longValue()));
                            DType dtype = DType.valueOf(field.getValue().get("dtype").textValue());
                            checkpoint.add(field.getKey(), dtype, shape);
                        });
        return checkpoint;
    }

    /** The checksums of the values of a fixture. */
    public static Map<String, String> checksums(String name) {
        Map<String, String> sums = new LinkedHashMap<>();
        json(name)
                .properties()
                .forEach(
                        field -> sums.put(field.getKey(), field.getValue().get("sha256").asText()));
        return sums;
    }

    public static FakeCheckpoint of(Collection<TensorSpec> tensors) {
        FakeCheckpoint checkpoint = new FakeCheckpoint();
        tensors.forEach(spec -> checkpoint.add(spec.name(), DType.F32, spec.shape()));
        return checkpoint;
    }

    public FakeCheckpoint add(String name, DType dtype, List<Long> shape) {
        entries.put(name, new FakeEntry(name, dtype, List.copyOf(shape)));
        return this;
    }

    public FakeCheckpoint add(String name, Long... shape) {
        return add(name, DType.F32, List.of(shape));
    }

    public FakeCheckpoint remove(String name) {
        if (entries.remove(name) == null) {
            throw new IllegalArgumentException("no tensor " + name);
        }
        return this;
    }

    public FakeCheckpoint at(Path newPath) {
        path = newPath;
        return this;
    }

    public FakeCheckpoint putMetadata(String key, Object value) {
        metadata.put(key, value);
        return this;
    }

    /** The same tensors under other names; a null leaves a tensor out. Values go with the tensor. */
    public FakeCheckpoint renamed(UnaryOperator<String> rename) {
        FakeCheckpoint renamed = new FakeCheckpoint();
        entries.values()
                .forEach(
                        entry -> {
                            String name = rename.apply(entry.name());
                            if (name != null) {
                                renamed.entries.put(name, RenamedEntry.of(entry, name));
                            }
                        });
        return renamed;
    }

    /** The same tensors in another order. */
    public FakeCheckpoint shuffled(long seed) {
        List<Entry> order = new ArrayList<>(entries.values());
        Collections.shuffle(order, new Random(seed));
        FakeCheckpoint shuffled = new FakeCheckpoint();
        order.forEach(entry -> shuffled.entries.put(entry.name(), entry));
        return shuffled;
    }

    public List<String> names() {
        return List.copyOf(entries.keySet());
    }

    /** What element 0 of the tensor that was made under this name reads as. */
    public static float firstValue(String originalName) {
        return originalName.hashCode() % 10007;
    }

    private static JsonNode json(String name) {
        try (InputStream in = FakeCheckpoint.class.getResourceAsStream(name)) {
            return new ObjectMapper().readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public CheckpointFormat format() {
        return CheckpointFormat.CKPT_ZIP;
    }

    @Override
    public Collection<Entry> entries() {
        return Collections.unmodifiableCollection(entries.values());
    }

    @Override
    public Optional<Entry> find(String name) {
        return Optional.ofNullable(entries.get(name));
    }

    @Override
    public Map<String, Object> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    @Override
    public void close() {}

    private record FakeEntry(String name, DType dtype, List<Long> shape) implements Entry {
        @Override
        public void readFloats(long first, float[] target, int offset, int length) {
            for (int i = 0; i < length; i++) {
                target[offset + i] = firstValue(name) + first + i;
            }
        }

        @Override
        public void readLongs(long first, long[] target, int offset, int length) {
            for (int i = 0; i < length; i++) {
                target[offset + i] = (long) firstValue(name) + first + i;
            }
        }

        @Override
        public void readBytes(long first, byte[] target, int offset, int length) {
            throw new IllegalStateException("a fake has no bytes");
        }
    }
}
