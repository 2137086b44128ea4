package dev.instaflow.checkpoint.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.instaflow.checkpoint.AtomicFile;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.storage.EntryBytes;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes safetensors files as the original library does: tensors by falling element size, then by
 * name, so that each is aligned to its type, and a header padded with spaces to 8 bytes. Tensors are
 * streamed, the same input gives the same bytes.
 */
public final class SafetensorsWriter {
    private static final String METADATA = "__metadata__";
    private static final int ALIGNMENT = 8;

    private SafetensorsWriter() {}

    /**
     * Writes a file.
     *
     * @param target replaced if it exists, when all is written
     * @param tensors with distinct names, in any order; each is read once
     * @param metadata for {@code __metadata__}; left out if empty
     * @throws IllegalArgumentException if two tensors have one name, or one is called {@code
     *     __metadata__}
     * @throws IOException if a tensor cannot be read or the file cannot be written
     */
    public static void write(
            Path target, Iterable<? extends Entry> tensors, Map<String, String> metadata)
            throws IOException {
        List<Entry> ordered = EntryBytes.distinct(tensors);
        if (ordered.stream().anyMatch(entry -> entry.name().equals(METADATA))) {
            throw new IllegalArgumentException("a tensor is called " + METADATA);
        }
        ordered.sort(
                Comparator.comparingInt((Entry entry) -> -entry.dtype().sizeBytes())
                        .thenComparing(Entry::name));
        byte[] header = header(ordered, metadata);
        AtomicFile.write(target, temporary -> write(temporary, header, ordered));
    }

    private static byte[] header(List<Entry> ordered, Map<String, String> metadata)
            throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectFieldStart(METADATA);
                for (Map.Entry<String, String> item : new TreeMap<>(metadata).entrySet()) {
                    json.writeStringField(item.getKey(), item.getValue());
                }
                json.writeEndObject();
            }
            long begin = 0;
            for (Entry entry : ordered) {
                long end = Math.addExact(begin, entry.sizeBytes());
                json.writeObjectFieldStart(entry.name());
                json.writeStringField("dtype", entry.dtype().name());
                long[] shape = entry.shape().stream().mapToLong(Long::longValue).toArray();
                json.writeFieldName("shape");
                json.writeArray(shape, 0, shape.length);
                json.writeFieldName("data_offsets");
                json.writeArray(new long[] {begin, end}, 0, 2);
                json.writeEndObject();
                begin = end;
            }
            json.writeEndObject();
        }
        while (bytes.size() % ALIGNMENT != 0) {
            bytes.write(' ');
        }
        return bytes.toByteArray();
    }

    private static void write(Path temporary, byte[] header, List<Entry> ordered)
            throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(temporary))) {
            byte[] length =
                    ByteBuffer.allocate(Long.BYTES)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(header.length)
                            .array();
            out.write(length);
            out.write(header);
            for (Entry entry : ordered) {
                EntryBytes.copy(entry, out);
            }
        }
    }
}
