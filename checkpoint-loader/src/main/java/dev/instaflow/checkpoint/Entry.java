package dev.instaflow.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * One named tensor of a checkpoint: its description, and its values when asked for. Opening a file
 * copies no values; a read widens or narrows element by element, in row-major order of {@link
 * #shape()}, whatever strides and offset the file stores. Thread-safe while the checkpoint is open.
 */
public interface Entry {
    /**
     * The key, as the file has it.
     *
     * @return may be empty: torch allows it
     */
    String name();

    /**
     * The element type in the file.
     *
     * @return the type before any widening
     */
    DType dtype();

    /**
     * The sizes of the dimensions; empty for a scalar.
     *
     * @return immutable, each at least 0
     */
    List<Long> shape();

    /**
     * The number of elements: the product of {@link #shape()}, 1 for a scalar.
     *
     * @return at least 0
     */
    default long count() {
        long count = 1;
        for (long size : shape()) {
            count = Math.multiplyExact(count, size);
        }
        return count;
    }

    /**
     * The bytes that the elements take when stored contiguously in {@link #dtype()}.
     *
     * @return at least 0
     */
    default long sizeBytes() {
        return Math.multiplyExact(count(), dtype().sizeBytes());
    }

    /**
     * Copies elements, converted to F32 (F64 rounds to nearest, integers convert as a Java cast).
     *
     * @param first index of the first element, in row-major order
     * @param target receives {@code length} values from {@code offset} on
     * @param offset first index written in {@code target}
     * @param length number of elements
     * @throws IndexOutOfBoundsException if either range is outside its array
     * @throws IOException if the file cannot be read any more
     */
    void readFloats(long first, float[] target, int offset, int length) throws IOException;

    /**
     * Copies elements, converted to I64 (floats truncate as a Java cast).
     *
     * @param first index of the first element, in row-major order
     * @param target receives {@code length} values from {@code offset} on
     * @param offset first index written in {@code target}
     * @param length number of elements
     * @throws IndexOutOfBoundsException if either range is outside its array
     * @throws IOException if the file cannot be read any more
     */
    void readLongs(long first, long[] target, int offset, int length) throws IOException;

    /**
     * Copies elements as stored: little-endian {@link #dtype()}, contiguous in row-major order.
     *
     * @param first index of the first element
     * @param target receives {@code length * dtype().sizeBytes()} bytes from {@code offset} on
     * @param offset first index written in {@code target}
     * @param length number of elements
     * @throws IndexOutOfBoundsException if either range is outside its array
     * @throws IOException if the file cannot be read any more
     */
    void readBytes(long first, byte[] target, int offset, int length) throws IOException;

    /**
     * Copies elements as stored to a buffer, which for a direct one and elements that lie in the file as they
     * are wanted is the only copy.
     *
     * @param first index of the first element
     * @param target filled from its position to its limit, a whole number of elements, as by the other {@code
     *     readBytes}
     * @throws IllegalArgumentException if the room is not a whole number of elements
     * @throws IndexOutOfBoundsException if the elements are not all inside the tensor
     * @throws IOException if the file cannot be read any more
     */
    default void readBytes(long first, ByteBuffer target) throws IOException {
        int size = dtype().sizeBytes();
        if (target.remaining() % size != 0) {
            throw new IllegalArgumentException(
                    target.remaining() + " bytes for whole elements of " + this);
        }
        byte[] chunk = new byte[Math.min(target.remaining(), 1 << 16)];
        long next = first;
        while (target.hasRemaining()) {
            int count = Math.min(target.remaining(), chunk.length) / size;
            readBytes(next, chunk, 0, count);
            target.put(chunk, 0, count * size);
            next += count;
        }
    }
}
