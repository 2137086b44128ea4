package dev.instaflow.backend.cpu;

import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;

/**
 * Heap arrays through which Java loops see native memory, tile by tile, and pointers that can be moved.
 * Used by one thread at a time.
 */
final class Staging {
    /** Values in a tile: 64 KiB, so that a tile and two accumulators stay in a 128 KiB or larger L2. */
    static final int TILE = 1 << 14;

    final FloatCursor cursor = new FloatCursor();
    private float[][] arrays = new float[0][];
    private double[] doubles = new double[0];
    private final NativeAddress source = new NativeAddress();
    private final NativeAddress target = new NativeAddress();
    private final ChannelSums channelSums;
    Staging next;

    Staging(CpuEngine engine) {
        channelSums = new ChannelSums(engine, this);
    }

    /** Uses the doubles and the first array. */
    ChannelSums channelSums() {
        return channelSums;
    }

    /** An array of at least {@code length} values, its contents undefined, the same for each index. */
    float[] array(int index, int length) {
        if (index >= arrays.length) {
            arrays = Arrays.copyOf(arrays, index + 1);
        }
        if (arrays[index] == null || arrays[index].length < length) {
            arrays[index] = new float[Math.max(length, TILE)];
        }
        return arrays[index];
    }

    /** Copies bytes between addresses. */
    void copy(long from, long to, long bytes) {
        Pointer.memcpy(target.at(to), source.at(from), bytes);
    }

    /** An array of at least {@code length} values, its contents undefined, always the same. */
    double[] doubles(int length) {
        if (doubles.length < length) {
            doubles = new double[length];
        }
        return doubles;
    }
}
