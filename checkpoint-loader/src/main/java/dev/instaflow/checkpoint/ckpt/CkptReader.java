package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.ckpt.PickleValue.StorageRef;
import dev.instaflow.checkpoint.ckpt.PickleValue.TensorRef;
import dev.instaflow.checkpoint.storage.MappedCheckpoint;
import dev.instaflow.checkpoint.storage.MappedEntry;
import dev.instaflow.checkpoint.storage.MappedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads the zip container of {@code torch.save} (torch 1.6 and later). */
public final class CkptReader {
    private static final String PICKLE = "data.pkl";

    /** Names of tensors and their shapes; 240 kB in a checkpoint with EMA. */
    private static final int MOST_PICKLE_BYTES = 32 << 20;

    private static final int MOST_MARKER_BYTES = 64;

    /** Storages of small files are checked at once; those of large ones by {@code verify()}. */
    private static final long CHECKED_AT_ONCE_BYTES = 8L << 20;

    private final MappedFile file;
    private final ZipDirectory zip;
    private final String root;

    private CkptReader(MappedFile file, ZipDirectory zip, String root) {
        this.file = file;
        this.zip = zip;
        this.root = root;
    }

    /**
     * Opens a zip of {@code torch.save}.
     *
     * @param file owned by the result
     * @return its tensors
     * @throws CheckpointFormatException if it is not one, is damaged or hostile
     * @throws IOException if it cannot be read
     */
    public static Checkpoint open(MappedFile file) throws IOException {
        ZipDirectory zip = ZipDirectory.read(file);
        return new CkptReader(file, zip, root(file, zip)).read();
    }

    /** The folder that everything is in; torch names it after the file. */
    private static String root(MappedFile file, ZipDirectory zip) throws IOException {
        List<String> pickles = new ArrayList<>();
        for (ZipDirectory.Item item : zip.items()) {
            String name = item.name();
            if (isPickle(name)) {
                pickles.add(name);
            }
        }
        if (pickles.isEmpty()) {
            throw new CheckpointFormatException(
                    file.path()
                            + ": a zip without data.pkl, which every file of torch.save has; if it"
                            + " is an archive with a model in it, unpack it first");
        }
        if (pickles.size() > 1) {
            throw new CheckpointFormatException(
                    file.path()
                            + ": a zip with "
                            + pickles.size()
                            + " entries called data.pkl,"
                            + " expected one");
        }
        String root = pickles.get(0).substring(0, pickles.get(0).length() - PICKLE.length());
        for (ZipDirectory.Item item : zip.items()) {
            if (item.name().equals(root + "constants.pkl")
                    || item.name().startsWith(root + "code/")) {
                throw new CheckpointFormatException(
                        file.path()
                                + ": a TorchScript program (it holds "
                                + item.name().substring(root.length())
                                + "); save the model's state_dict with torch.save instead");
            }
        }
        return root;
    }

    static boolean isPickle(String entryName) {
        return entryName.equals(PICKLE) || entryName.endsWith("/" + PICKLE);
    }

    private Checkpoint read() throws IOException {
        ZipDirectory.Item pickle = zip.find(root + PICKLE).orElseThrow();
        ByteOrder order = byteOrder();
        byte[] bytes = zip.bytes(pickle, MOST_PICKLE_BYTES);
        String where = file.path() + ": " + Escaped.plain(pickle.name());
        Object value = PickleMachine.run(where, ByteBuffer.wrap(bytes)).root();
        StateDict dict = StateDict.of(where, value);
        Map<String, ZipDirectory.Item> storages = new HashMap<>();
        List<Entry> entries = new ArrayList<>();
        for (Map.Entry<String, TensorRef> item : dict.tensors().entrySet()) {
            TensorRef tensor = item.getValue();
            ZipDirectory.Item storage = storage(tensor.storage(), storages);
            entries.add(
                    new MappedEntry(
                            item.getKey(),
                            tensor.dtype(),
                            tensor.layout(),
                            new MappedEntry.Storage(file, storage.position(), order)));
        }
        verifySmall(storages);
        return new MappedCheckpoint(
                file, CheckpointFormat.CKPT_ZIP, entries, dict.metadata(), this::verifyAll);
    }

    private ByteOrder byteOrder() throws IOException {
        Optional<ZipDirectory.Item> item = zip.find(root + "byteorder");
        if (item.isEmpty()) {
            return ByteOrder.LITTLE_ENDIAN;
        }
        byte[] bytes = zip.bytes(item.get(), MOST_MARKER_BYTES);
        String order = new String(bytes, StandardCharsets.ISO_8859_1).strip();
        return switch (order) {
            case "little" -> ByteOrder.LITTLE_ENDIAN;
            case "big" -> ByteOrder.BIG_ENDIAN;
            default ->
                    throw zip.error(
                            item.get().name(),
                            "says byteorder " + Escaped.quote(order) + ", expected little or big");
        };
    }

    private ZipDirectory.Item storage(StorageRef ref, Map<String, ZipDirectory.Item> seen)
            throws CheckpointFormatException {
        String name = root + "data/" + ref.key();
        ZipDirectory.Item item =
                zip.find(name)
                        .orElseThrow(() -> zip.error(name, "is missing; a tensor is stored there"));
        if (item.method() == 8) {
            throw zip.error(
                    name,
                    "is deflated; tensors must be stored without compression, as torch.save does:"
                            + " repack the zip with zip -0");
        }
        if (!item.isStored()) {
            throw zip.unknownMethod(item);
        }
        long expected = ref.sizeBytes();
        if (item.sizeBytes() != expected) {
            throw zip.error(
                    name,
                    "has "
                            + item.sizeBytes()
                            + " bytes, data.pkl says storage of "
                            + ref.wholeCount()
                            + " "
                            + ref.dtype()
                            + ", "
                            + expected
                            + " bytes");
        }
        seen.put(name, item);
        return item;
    }

    private void verifySmall(Map<String, ZipDirectory.Item> storages) throws IOException {
        long total = storages.values().stream().mapToLong(ZipDirectory.Item::sizeBytes).sum();
        if (total <= CHECKED_AT_ONCE_BYTES) {
            for (ZipDirectory.Item item : storages.values()) {
                zip.verify(item);
            }
        }
    }

    private void verifyAll() throws IOException {
        for (ZipDirectory.Item item : zip.items()) {
            if (item.isStored()) {
                zip.verify(item);
            }
        }
    }
}
