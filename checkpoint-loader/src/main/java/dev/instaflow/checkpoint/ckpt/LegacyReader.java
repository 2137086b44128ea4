package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.ckpt.PickleValue.Dict;
import dev.instaflow.checkpoint.ckpt.PickleValue.Sequence;
import dev.instaflow.checkpoint.ckpt.PickleValue.StorageRef;
import dev.instaflow.checkpoint.ckpt.PickleValue.TensorRef;
import dev.instaflow.checkpoint.storage.MappedCheckpoint;
import dev.instaflow.checkpoint.storage.MappedEntry;
import dev.instaflow.checkpoint.storage.MappedFile;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the container of {@code torch.save} before torch 1.6: five pickles (magic number, protocol,
 * system, root object, storage keys), then each storage as an 8-byte count and its elements, in the
 * order of the keys.
 */
public final class LegacyReader {
    private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
    private static final long PROTOCOL = 1001;

    /** All five pickles must end within this. */
    private static final int MOST_PICKLE_BYTES = 32 << 20;

    private static final int COUNT_BYTES = 8;

    private final MappedFile file;
    private final ByteBuffer head;

    private LegacyReader(MappedFile file, ByteBuffer head) {
        this.file = file;
        this.head = head;
    }

    /**
     * Opens a legacy file.
     *
     * @param file owned by the result
     * @return its tensors
     * @throws CheckpointFormatException if it is not one, is damaged or hostile
     * @throws IOException if it cannot be read
     */
    public static Checkpoint open(MappedFile file) throws IOException {
        int headBytes = (int) Math.min(file.sizeBytes(), MOST_PICKLE_BYTES);
        return file.withHead(headBytes, head -> new LegacyReader(file, head).read());
    }

    private Checkpoint read() throws IOException {
        Object magic = pickle("magic number").root();
        if (!MAGIC.equals(magic)) {
            throw error(
                    "a pickle without the magic number of torch.save: its first value is "
                            + PickleValue.describe(magic));
        }
        Object protocol = pickle("protocol version").root();
        if (!Long.valueOf(PROTOCOL).equals(protocol)) {
            throw error(
                    "protocol version is "
                            + PickleValue.describe(protocol)
                            + ", expected "
                            + PROTOCOL);
        }
        ByteOrder order = byteOrder(pickle("system information").root());
        PickleMachine.Result model = pickle("root object");
        StateDict dict = StateDict.of(file.path() + ": root object", model.root());
        Map<String, Placed> placed = place(pickle("storage keys").root(), model.storages(), order);
        List<Entry> entries = new ArrayList<>();
        for (Map.Entry<String, TensorRef> item : dict.tensors().entrySet()) {
            entries.add(entry(item.getKey(), item.getValue(), placed, order));
        }
        return new MappedCheckpoint(
                file, CheckpointFormat.CKPT_LEGACY, entries, dict.metadata(), () -> {});
    }

    /** A storage and the position of its first element. */
    private record Placed(StorageRef storage, long position) {}

    private PickleMachine.Result pickle(String what) throws CheckpointFormatException {
        PickleMachine.Result result = PickleMachine.run(file.path() + ": " + what, head);
        head.position(result.end());
        return result;
    }

    private static ByteOrder byteOrder(Object system) {
        boolean big =
                system instanceof Dict dict
                        && dict.get("little_endian").equals(Optional.of(Boolean.FALSE));
        return big ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    }

    /** Walks over the storages, which follow the last pickle in the order of the keys. */
    private Map<String, Placed> place(
            Object keys, Map<String, StorageRef> storages, ByteOrder order) throws IOException {
        if (!(keys instanceof Sequence list)) {
            throw error("storage keys are " + PickleValue.describe(keys) + ", expected a list");
        }
        Map<String, Placed> placed = new HashMap<>();
        long position = head.position();
        for (Object key : list.items) {
            StorageRef storage = key instanceof String name ? storages.get(name) : null;
            if (storage == null) {
                throw error(
                        "the key list names the storage "
                                + PickleValue.describe(key)
                                + ", which no tensor uses");
            }
            long count = count(storage, position, order);
            position += COUNT_BYTES;
            if (placed.put(storage.key(), new Placed(storage, position)) != null) {
                throw error("the key list names " + storage.describe() + " twice");
            }
            position += count * storage.dtype().sizeBytes();
        }
        return placed;
    }

    private long count(StorageRef storage, long position, ByteOrder order) throws IOException {
        long left = file.sizeBytes() - position - COUNT_BYTES;
        if (left < 0) {
            throw error(
                    storage.describe()
                            + " should start at byte "
                            + position
                            + ", past the end: the file has "
                            + file.sizeBytes()
                            + " and is cut off");
        }
        long count = ByteBuffer.wrap(file.bytes(position, COUNT_BYTES)).order(order).getLong();
        if (count != storage.wholeCount()) {
            throw error(
                    storage.describe()
                            + " at byte "
                            + position
                            + " has "
                            + count
                            + " elements, the root object says "
                            + storage.wholeCount());
        }
        long bytes = count * storage.dtype().sizeBytes();
        if (bytes > left) {
            throw error(
                    storage.describe()
                            + " has "
                            + bytes
                            + " bytes at byte "
                            + position
                            + ", past the end: only "
                            + left
                            + " are left; the file is cut off");
        }
        return count;
    }

    private MappedEntry entry(
            String name, TensorRef tensor, Map<String, Placed> placed, ByteOrder order)
            throws CheckpointFormatException {
        StorageRef storage = tensor.storage();
        Placed place = placed.get(storage.key());
        if (place == null) {
            throw error(
                    "tensor "
                            + Escaped.quote(name)
                            + " is in "
                            + storage.describe()
                            + ", which is not in the key list");
        }
        StorageRef whole = place.storage();
        if (whole.dtype() != storage.dtype() || whole.wholeCount() != storage.wholeCount()) {
            throw error(
                    "tensor "
                            + Escaped.quote(name)
                            + " has "
                            + storage.wholeCount()
                            + " "
                            + storage.dtype()
                            + " in "
                            + storage.describe()
                            + ", another has "
                            + whole.wholeCount()
                            + " "
                            + whole.dtype());
        }
        long start = place.position() + storage.start() * storage.dtype().sizeBytes();
        return new MappedEntry(
                name, tensor.dtype(), tensor.layout(), new MappedEntry.Storage(file, start, order));
    }

    private CheckpointFormatException error(String problem) {
        return new CheckpointFormatException(file.path() + ": " + problem);
    }
}
