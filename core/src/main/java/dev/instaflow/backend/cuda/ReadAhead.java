package dev.instaflow.backend.cuda;

import java.util.Optional;

/**
 * Values of a tensor that is read bit by bit, as the rows of a picture are: a device takes as long for one row as for a
 * hundred. Tensors that are no weights never change, so that what was read stays right. Not thread-safe: of one
 * scope.
 */
final class ReadAhead {
    /** Half a mebibyte: its copy takes about as long as asking for it. */
    private static final int VALUES = 1 << 17;

    /** Copies values from the device. */
    @FunctionalInterface
    interface Source {
        void read(long first, float[] target, int length);
    }

    private Optional<CudaStorage> of = Optional.empty();
    private float[] held = new float[0];
    private long begin;
    private int count;

    /** Copies {@code length} values from {@code first} on, and reads further ones if there are few. */
    void read(CudaStorage storage, long first, float[] target, int length, Source source) {
        if (length >= VALUES) {
            source.read(first, target, length);
            return;
        }
        boolean covered =
                of.isPresent()
                        && of.get() == storage
                        && first >= begin
                        && first + length <= begin + count;
        if (!covered) {
            of = Optional.empty();
            long rest = storage.shape().count() - first;
            count = (int) Math.min(VALUES, rest);
            held = held.length >= count ? held : new float[count];
            begin = first;
            source.read(first, held, count);
            of = Optional.of(storage);
        }
        System.arraycopy(held, (int) (first - begin), target, 0, length);
    }
}
