package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;

/** A tensor in an array: what is trained, merged or made up, on its way to a file. Thread-safe. */
public final class HeapEntry implements Entry {
    private final String name;
    private final DType dtype;
    private final TensorLayout layout;
    private final ByteBuffer bytes;

    private HeapEntry(String name, DType dtype, List<Long> shape, ByteBuffer bytes) {
        this.name = name;
        this.dtype = dtype;
        this.layout = TensorLayout.contiguous(shape);
        this.bytes = bytes;
        if (layout.count() * dtype.sizeBytes() != bytes.capacity()) {
            throw new IllegalArgumentException(
                    "tensor "
                            + Escaped.quote(name)
                            + " "
                            + dtype
                            + " "
                            + shape
                            + " needs "
                            + layout.count() * dtype.sizeBytes()
                            + " bytes, got "
                            + bytes.capacity());
        }
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
        return new HeapEntry(name, DType.F32, shape, bytes);
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
        return new HeapEntry(name, DType.I64, shape, bytes);
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
        return new HeapEntry(
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
    public String name() {
        return name;
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public List<Long> shape() {
        return layout.shape();
    }

    @Override
    public void readFloats(long first, float[] target, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, target.length);
        Elements.toFloats(dtype, view(), run(first, length), target, offset);
    }

    @Override
    public void readLongs(long first, long[] target, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, target.length);
        Elements.toLongs(dtype, view(), run(first, length), target, offset);
    }

    @Override
    public void readBytes(long first, byte[] target, int offset, int length) {
        Objects.checkFromIndexSize(
                (long) offset, (long) length * dtype.sizeBytes(), (long) target.length);
        Elements.toBytes(dtype, view(), run(first, length), target, offset);
    }

    private ByteBuffer view() {
        return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    private Elements.Run run(long first, int length) {
        Objects.checkFromIndexSize(first, (long) length, layout.count());
        return new Elements.Run(
                (int) first * dtype.sizeBytes(), dtype.sizeBytes(), length); // an array's index
    }

    @Override
    public String toString() {
        return Escaped.quote(name) + " " + dtype + " " + shape();
    }
}
