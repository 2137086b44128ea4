package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What all writers of files do with entries. */
public final class EntryBytes {
    private static final int CHUNK_BYTES = 1 << 20;

    private EntryBytes() {}

    /**
     * Copies a tensor of any size: contiguous, row-major, little-endian.
     *
     * @param entry read once, from the first element to the last
     * @param out receives {@link Entry#sizeBytes} bytes
     * @throws IOException from either side
     */
    public static void copy(Entry entry, OutputStream out) throws IOException {
        int size = entry.dtype().sizeBytes();
        long count = entry.count();
        int most = (int) Math.min(count, CHUNK_BYTES / size);
        byte[] chunk = new byte[most * size];
        for (long first = 0; first < count; first += most) {
            int length = (int) Math.min(most, count - first);
            entry.readBytes(first, chunk, 0, length);
            out.write(chunk, 0, length * size);
        }
    }

    /**
     * Checks names.
     *
     * @param entries about to be written to one file
     * @return the same, as a list of its own
     * @throws IllegalArgumentException if two have one name
     */
    public static List<Entry> distinct(Iterable<? extends Entry> entries) {
        List<Entry> list = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Entry entry : entries) {
            if (!names.add(entry.name())) {
                throw new IllegalArgumentException(
                        "two tensors are called " + Escaped.quote(entry.name()));
            }
            list.add(entry);
        }
        return list;
    }
}
