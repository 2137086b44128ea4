package dev.instaflow.ops;

import java.io.IOException;

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
