package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Escaped;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** A tensor in an array: what is trained, merged or made up, on its way to a file. Thread-safe. */
public final class HeapEntry extends LaidOutEntry {
    private final ByteBuffer bytes;

    private HeapEntry(String name, DType dtype, TensorLayout layout, ByteBuffer bytes) {
        super(name, dtype, layout);
        this.bytes = bytes;
    }

    private static HeapEntry of(String name, DType dtype, List<Long> shape, ByteBuffer bytes) {
        TensorLayout layout = TensorLayout.contiguous(shape);
        long needed = layout.count() * dtype.sizeBytes();
        if (needed != bytes.capacity()) {
            throw new IllegalArgumentException(
                    "tensor "
                            + Escaped.quote(name)
                            + " "
                            + dtype
                            + " "
                            + shape
                            + " needs "
                            + needed
                            + " bytes, got "
                            + bytes.capacity());
        }
        return new HeapEntry(name, dtype, layout, bytes);
    }

    /**
     * An F32 tensor.
     *
     * @param name its key
     * @param shape sizes
     * @param values copied, row-major
     * @return a new entry
     * @throws IllegalArgumentException if the shape has another number of elements
     */
    public static HeapEntry ofFloats(String name, List<Long> shape, float... values) {
        ByteBuffer bytes = allocate(values.length, Float.BYTES);
        bytes.asFloatBuffer().put(values);
        return of(name, DType.F32, shape, bytes);
    }

    /**
     * An I64 tensor.
     *
     * @param name its key
     * @param shape sizes
     * @param values copied, row-major
     * @return a new entry
     * @throws IllegalArgumentException if the shape has another number of elements
     */
    public static HeapEntry ofLongs(String name, List<Long> shape, long... values) {
        ByteBuffer bytes = allocate(values.length, Long.BYTES);
        bytes.asLongBuffer().put(values);
        return of(name, DType.I64, shape, bytes);
    }

    /**
     * A tensor of any type.
     *
     * @param name its key
     * @param dtype its type
     * @param shape sizes
     * @param littleEndian copied, row-major
     * @return a new entry
     * @throws IllegalArgumentException if the shape needs another number of bytes
     */
    public static HeapEntry ofBytes(
            String name, DType dtype, List<Long> shape, byte... littleEndian) {
        return of(
                name,
                dtype,
                shape,
                ByteBuffer.wrap(littleEndian.clone()).order(ByteOrder.LITTLE_ENDIAN));
    }

    private static ByteBuffer allocate(int count, int elementBytes) {
        return ByteBuffer.allocate(Math.multiplyExact(count, elementBytes))
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    void read(long first, int length, Sink sink) {
        int size = dtype().sizeBytes();
        Elements.Run run = new Elements.Run((int) first * size, size, length); // an array's index
        sink.accept(bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN), run, 0);
    }
}
