package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/** A tensor that lies in a {@link MappedFile}. */
public final class MappedEntry extends LaidOutEntry {
    private final TensorLayout joined;
    private final MappedFile file;
    private final long storagePosition;
    private final ByteOrder order;

    /**
     * A storage: elements of one type in a row.
     *
     * @param file where it lies
     * @param position of its first byte
     * @param order of its bytes
     */
    public record Storage(MappedFile file, long position, ByteOrder order) {}

    /**
     * A tensor.
     *
     * @param name its key
     * @param dtype element type of the storage
     * @param layout checked against the storage by {@link TensorLayout#requireInside}
     * @param storage where the elements are
     */
    public MappedEntry(String name, DType dtype, TensorLayout layout, Storage storage) {
        super(name, dtype, layout);
        this.joined = layout.joined();
        this.file = storage.file();
        this.storagePosition = storage.position();
        this.order = storage.order();
    }

    @Override
    public void readBytes(long first, ByteBuffer target) throws IOException {
        int size = dtype().sizeBytes();
        boolean inOrder = joined.shape().size() == 1 && joined.strides().get(0) == 1;
        boolean whole = target.remaining() % size == 0;
        if (!inOrder || !whole || order != ByteOrder.LITTLE_ENDIAN) {
            super.readBytes(first, target);
            return;
        }
        Objects.checkFromIndexSize(first, (long) target.remaining() / size, count());
        file.read(storagePosition + (joined.offset() + first) * size, target);
    }

    /** Cuts a range of the row-major order into runs along the innermost dimension. */
    @Override
    void read(long first, int length, Sink sink) throws IOException {
        int rank = joined.shape().size();
        long rowLength = joined.shape().get(rank - 1);
        long step = joined.strides().get(rank - 1);
        int done = 0;
        while (done < length) {
            long index = first + done;
            long inRow = index % rowLength;
            int run = (int) Math.min(length - done, rowLength - inRow);
            readRun(rowStart(index / rowLength) + inRow * step, step, run, done, sink);
            done += run;
        }
    }

    /** Element position of a row, a row being a range along the innermost dimension. */
    private long rowStart(long row) {
        long position = joined.offset();
        for (int i = joined.shape().size() - 2; i >= 0; i--) {
            long size = joined.shape().get(i);
            position += row % size * joined.strides().get(i);
            row /= size;
        }
        return position;
    }

    private void readRun(long element, long step, int count, int done, Sink sink)
            throws IOException {
        int size = dtype().sizeBytes();
        long strideBytes = step * size;
        file.read(
                storagePosition + element * size,
                strideBytes,
                size,
                count,
                (bytes, start, before, n) ->
                        sink.accept(
                                bytes.order(order),
                                new Elements.Run(start, strideBytes, n),
                                done + before));
    }
}
