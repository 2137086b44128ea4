package dev.instaflow.ops;

import dev.instaflow.checkpoint.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** Values that can be read in any order and piecewise, so that a weight never stands on the heap. */
@FunctionalInterface
public interface FloatSource {
    /**
     * Copies values.
     *
     * @param first index of the first value, in row-major order
     * @param target receives {@code length} values from {@code offset} on
     * @param offset first index written
     * @param length number of values
     * @throws IOException if the file behind it cannot be read
     */
    void read(long first, float[] target, int offset, int length) throws IOException;

    /**
     * The type in which {@link #readStored} gives the values.
     *
     * @return F32; or F16 or BF16, for a source that has them so
     */
    default DType stored() {
        return DType.F32;
    }

    /**
     * Copies values as they are stored, in the byte order of this machine. May be called by several threads at
     * once.
     *
     * @param first index of the first value, in row-major order
     * @param target filled from its position to its limit, a whole number of values
     * @throws IOException if the file behind it cannot be read
     */
    default void readStored(long first, ByteBuffer target) throws IOException {
        FloatBuffer values = target.order(ByteOrder.nativeOrder()).asFloatBuffer();
        float[] chunk = new float[Math.min(values.remaining(), 1 << 14)];
        for (long next = first; values.hasRemaining(); next += chunk.length) {
            int length = Math.min(values.remaining(), chunk.length);
            read(next, chunk, 0, length);
            values.put(chunk, 0, length);
        }
        target.position(target.limit());
    }

    /**
     * Values that are on the heap already.
     *
     * @param values row-major, not copied
     * @return a source over them
     */
    static FloatSource of(float... values) {
        return (first, target, offset, length) ->
                System.arraycopy(values, Math.toIntExact(first), target, offset, length);
    }
}
