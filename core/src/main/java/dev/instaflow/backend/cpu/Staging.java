package dev.instaflow.backend.cpu;

/** Heap arrays through which Java loops see native memory, tile by tile. Used by one thread at a time. */
final class Staging {
    /** Values in a tile: 64 KiB, so that a tile and two accumulators stay in a 128 KiB or larger L2. */
    static final int TILE = 1 << 14;

    final FloatCursor cursor = new FloatCursor();
    private float[][] arrays = new float[0][];
    Staging next;

    /** An array of at least {@code length} values, its contents undefined, the same for each index. */
    float[] array(int index, int length) {
        if (index >= arrays.length) {
            arrays = java.util.Arrays.copyOf(arrays, index + 1);
        }
        if (arrays[index] == null || arrays[index].length < length) {
            arrays[index] = new float[Math.max(length, TILE)];
        }
        return arrays[index];
    }
}
