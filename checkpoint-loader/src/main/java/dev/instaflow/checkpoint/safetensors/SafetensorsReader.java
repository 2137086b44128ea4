package dev.instaflow.checkpoint.safetensors;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.FileKind;
import dev.instaflow.checkpoint.FileReport;
import dev.instaflow.checkpoint.storage.MappedCheckpoint;
import dev.instaflow.checkpoint.storage.MappedEntry;
import dev.instaflow.checkpoint.storage.MappedFile;
import dev.instaflow.checkpoint.storage.TensorLayout;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Reads the safetensors format (huggingface/safetensors, format description in its README). */
public final class SafetensorsReader {
    private static final int LENGTH_BYTES = 8;

    /** The limit of the original. We are stricter: a header of this size would name a million tensors. */
    private static final long MOST_HEADER_BYTES = 32L << 20;

    private final MappedFile file;
    private final long dataPosition;
    private final long dataBytes;

    private SafetensorsReader(MappedFile file, long dataPosition) {
        this.file = file;
        this.dataPosition = dataPosition;
        this.dataBytes = file.sizeBytes() - dataPosition;
    }

    /**
     * Opens a safetensors file.
     *
     * @param file owned by the result
     * @return its tensors, in the order of the header
     * @throws CheckpointFormatException if it is not one, is damaged or hostile
     * @throws IOException if it cannot be read
     */
    public static Checkpoint open(MappedFile file) throws IOException {
        long dataPosition = LENGTH_BYTES + headerBytes(file);
        if (dataPosition > file.sizeBytes()) {
            throw new CheckpointFormatException(
                    file.path() + ": " + headerCutOff(file, dataPosition) + "; fetch it again");
        }
        return new SafetensorsReader(file, dataPosition).read(header(file, dataPosition));
    }

    /**
     * Compares the size of a file with what its header promises.
     *
     * @param file starts like a safetensors file
     * @return of kind SAFETENSORS or TRUNCATED
     * @throws CheckpointFormatException if its header is damaged
     * @throws IOException if it cannot be read
     */
    public static FileReport report(MappedFile file) throws IOException {
        long dataPosition = LENGTH_BYTES + headerBytes(file);
        if (dataPosition > file.sizeBytes()) {
            return truncated(file, headerCutOff(file, dataPosition));
        }
        long dataBytes = 0;
        for (SafetensorsHeader.Tensor tensor : header(file, dataPosition).tensors().values()) {
            dataBytes = Math.max(dataBytes, tensor.end());
        }
        if (dataBytes > file.sizeBytes() - dataPosition) {
            return truncated(
                    file,
                    "the tensors should end at byte "
                            + Long.toUnsignedString(dataPosition + dataBytes)
                            + ", the file has "
                            + file.sizeBytes()
                            + ": it is cut off (an interrupted"
                            + " download?)");
        }
        return new FileReport(file.path(), FileKind.SAFETENSORS, "a safetensors file", "");
    }

    private static FileReport truncated(MappedFile file, String found) {
        return new FileReport(file.path(), FileKind.TRUNCATED, found, "fetch the file again");
    }

    private static String headerCutOff(MappedFile file, long dataPosition) {
        return "the header should end at byte "
                + dataPosition
                + ", the file has "
                + file.sizeBytes()
                + ": it is cut off (an interrupted download?)";
    }

    private static SafetensorsHeader header(MappedFile file, long dataPosition) throws IOException {
        byte[] json = file.bytes(LENGTH_BYTES, (int) (dataPosition - LENGTH_BYTES));
        return SafetensorsHeader.parse(
                file.path() + ": header at byte " + LENGTH_BYTES, new ByteArrayInputStream(json));
    }

    private static long headerBytes(MappedFile file) throws IOException {
        if (file.sizeBytes() < LENGTH_BYTES) {
            throw new CheckpointFormatException(
                    file.path()
                            + ": "
                            + file.sizeBytes()
                            + " bytes, too short for the 8-byte header length of safetensors");
        }
        long length =
                ByteBuffer.wrap(file.bytes(0, LENGTH_BYTES))
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getLong();
        if (length < 2 || length > MOST_HEADER_BYTES) {
            throw new CheckpointFormatException(
                    file.path()
                            + ": header length "
                            + Long.toUnsignedString(length)
                            + " at byte 0, expected 2 to "
                            + MOST_HEADER_BYTES);
        }
        return length;
    }

    private Checkpoint read(SafetensorsHeader header) throws IOException {
        List<Entry> entries = new ArrayList<>();
        for (Map.Entry<String, SafetensorsHeader.Tensor> item : header.tensors().entrySet()) {
            entries.add(entry(item.getKey(), item.getValue()));
        }
        requireWhole(header);
        return new MappedCheckpoint(
                file,
                CheckpointFormat.SAFETENSORS,
                entries,
                Map.copyOf(header.metadata()),
                () -> {});
    }

    private MappedEntry entry(String name, SafetensorsHeader.Tensor tensor)
            throws CheckpointFormatException {
        if (tensor.begin() < 0 || tensor.end() < tensor.begin()) {
            throw error(name, "has data_offsets [" + tensor.begin() + ", " + tensor.end() + "]");
        }
        if (tensor.end() > dataBytes) {
            throw error(
                    name,
                    "has data_offsets ["
                            + tensor.begin()
                            + ", "
                            + tensor.end()
                            + "], which end at byte "
                            + (dataPosition + tensor.end())
                            + ", the file has "
                            + file.sizeBytes()
                            + ": it is cut off (an interrupted download?) or its header is wrong");
        }
        TensorLayout layout;
        try {
            layout = TensorLayout.contiguous(tensor.shape());
        } catch (IllegalArgumentException e) {
            throw error(name, "has an impossible shape: " + e.getMessage());
        }
        long bytes = layout.count() * tensor.dtype().sizeBytes();
        if (bytes != tensor.end() - tensor.begin()) {
            throw error(
                    name,
                    "of shape "
                            + tensor.shape()
                            + " "
                            + tensor.dtype()
                            + " needs "
                            + bytes
                            + " bytes, its data_offsets give "
                            + (tensor.end() - tensor.begin()));
        }
        return new MappedEntry(
                name,
                tensor.dtype(),
                layout,
                new MappedEntry.Storage(
                        file, dataPosition + tensor.begin(), ByteOrder.LITTLE_ENDIAN));
    }

    /** Every byte of the data block belongs to exactly one tensor. */
    private void requireWhole(SafetensorsHeader header) throws CheckpointFormatException {
        List<Map.Entry<String, SafetensorsHeader.Tensor>> inOrder =
                new ArrayList<>(header.tensors().entrySet());
        inOrder.sort(
                Comparator.comparingLong(
                                (Map.Entry<String, SafetensorsHeader.Tensor> item) ->
                                        item.getValue().begin())
                        .thenComparingLong(item -> item.getValue().end()));
        long end = 0;
        for (Map.Entry<String, SafetensorsHeader.Tensor> item : inOrder) {
            long begin = item.getValue().begin();
            if (begin != end) {
                throw error(
                        item.getKey(),
                        "starts at byte "
                                + begin
                                + " of the data, the one before ends"
                                + " at "
                                + end
                                + (begin < end ? ": they overlap" : ": there is a gap"));
            }
            end = item.getValue().end();
        }
        if (end != dataBytes) {
            throw new CheckpointFormatException(
                    file.path()
                            + ": "
                            + (dataBytes - end)
                            + " trailing bytes after the last tensor, at byte "
                            + (dataPosition + end));
        }
    }

    private CheckpointFormatException error(String name, String problem) {
        return new CheckpointFormatException(
                file.path() + ": tensor " + Escaped.quote(name) + " " + problem);
    }
}
