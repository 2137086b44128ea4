package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.AtomicFile;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.storage.EntryBytes;
import dev.instaflow.checkpoint.storage.TensorLayout;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import org.apache.commons.compress.archivers.zip.Zip64Mode;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;

/**
 * Writes files that {@code torch.load} reads: a zip of stored entries with the layout of {@code
 * torch.save} (torch 1.6 to 2.x), each storage aligned to 64 bytes, zip64 where sizes need it. The
 * root is a dict with a {@code state_dict} and the extras. Tensors are streamed, the same input gives
 * the same bytes.
 */
public final class CkptWriter {
    private static final String ROOT = "archive/";

    /** What {@code torch.save} writes since 1.6. */
    private static final String VERSION = "3\n";

    /** What {@code torch.save} aligns to, so that mapped tensors suit vector loads. */
    private static final int ALIGNMENT = 64;

    /** 1 January 1980, the zero of zip's clock: the file does not depend on when it is written. */
    private static final LocalDateTime EPOCH = LocalDateTime.of(1980, 1, 1, 0, 0);

    private CkptWriter() {}

    /**
     * Writes a file.
     *
     * @param target replaced if it exists, when all is written
     * @param tensors with distinct names; written in this order, each read once
     * @param extras beside the {@code state_dict}: strings, numbers, booleans, maps and lists
     * @throws IllegalArgumentException if two tensors have one name, an extra is called {@code
     *     state_dict} or has a type that cannot be written
     * @throws IOException if a tensor cannot be read or the file cannot be written
     */
    public static void write(
            Path target, Iterable<? extends Entry> tensors, Map<String, Object> extras)
            throws IOException {
        List<Entry> list = EntryBytes.distinct(tensors);
        byte[] pickle = pickle(list, extras);
        AtomicFile.write(target, temporary -> write(temporary, list, pickle));
    }

    private static byte[] pickle(List<Entry> tensors, Map<String, Object> extras) {
        if (extras.containsKey("state_dict")) {
            throw new IllegalArgumentException("an extra is called state_dict");
        }
        PickleWriter out = new PickleWriter();
        out.opcode(PickleOpcode.EMPTY_DICT);
        out.opcode(PickleOpcode.MARK);
        out.string("state_dict");
        out.emptyOrderedDict();
        out.opcode(PickleOpcode.MARK);
        for (int i = 0; i < tensors.size(); i++) {
            Entry tensor = tensors.get(i);
            TensorLayout layout = TensorLayout.contiguous(tensor.shape());
            out.string(tensor.name());
            out.tensor(
                    tensor.dtype(),
                    layout.shape(),
                    layout.strides(),
                    String.valueOf(i),
                    layout.count());
        }
        out.opcode(PickleOpcode.SETITEMS);
        extras.forEach(
                (name, value) -> {
                    out.string(name);
                    out.value(value);
                });
        out.opcode(PickleOpcode.SETITEMS);
        return out.finish();
    }

    private static void write(Path temporary, List<Entry> tensors, byte[] pickle)
            throws IOException {
        try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(temporary)) {
            zip.setUseZip64(Zip64Mode.AsNeeded);
            zip.setMethod(ZipEntry.STORED);
            small(zip, "data.pkl", pickle);
            small(zip, "byteorder", "little".getBytes(StandardCharsets.US_ASCII));
            for (int i = 0; i < tensors.size(); i++) {
                Entry tensor = tensors.get(i);
                ZipArchiveEntry entry = entry("data/" + i, tensor.sizeBytes());
                entry.setAlignment(ALIGNMENT);
                zip.putArchiveEntry(entry);
                EntryBytes.copy(tensor, zip);
                zip.closeArchiveEntry();
            }
            small(zip, "version", VERSION.getBytes(StandardCharsets.US_ASCII));
            zip.finish();
        }
    }

    private static void small(ZipArchiveOutputStream zip, String name, byte[] bytes)
            throws IOException {
        zip.putArchiveEntry(entry(name, bytes.length));
        zip.write(bytes);
        zip.closeArchiveEntry();
    }

    private static ZipArchiveEntry entry(String name, long sizeBytes) {
        ZipArchiveEntry entry = new ZipArchiveEntry(ROOT + name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(sizeBytes);
        entry.setTimeLocal(EPOCH);
        return entry;
    }
}
