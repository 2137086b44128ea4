package dev.instaflow.kernels;

/** Arithmetic and checks on sizes that every launcher needs. */
final class Sizes {
    /** Threads of every block that is not two-dimensional. */
    static final int BLOCK = 256;

    private Sizes() {}

    static long ceilDiv(long a, long b) {
        return (a + b - 1) / b;
    }

    /** A size of at least 1 such that the kernels' 32-bit indices reach. */
    static void requirePositive(String what, long size) {
        if (size < 1 || size > Integer.MAX_VALUE - 16 * BLOCK) {
            throw new IllegalArgumentException(
                    what + " of " + size + ", expected 1 to " + (Integer.MAX_VALUE - 16 * BLOCK));
        }
    }

    /** Blocks for one thread a vector of 4 where every size is a multiple of 4, else a thread an element. */
    static long blocksOfVectors(long elements, long... sizes) {
        long width = 4;
        for (long size : sizes) {
            if (size % 4 != 0) {
                width = 1;
            }
        }
        return ceilDiv(elements / width, BLOCK);
    }
}
