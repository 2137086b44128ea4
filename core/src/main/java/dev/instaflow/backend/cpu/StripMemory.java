package dev.instaflow.backend.cpu;

import org.bytedeco.javacpp.Pointer;

/**
 * What one thread works with on a strip: memory for its window and two ranges between which the transforms
 * go to and fro, and what keeps native calls from making garbage. Kept for reuse. Used by one thread at a time.
 */
final class StripMemory {
    private final NativeAddress source = new NativeAddress();
    private final NativeAddress target = new NativeAddress();
    private final long[] two = new long[2];
    private final long[] three = new long[3];
    private final long[] four = new long[4];
    private MemoryPool.Block block;
    private long bytes;
    private long firstOffset;
    private long secondOffset;
    StripMemory next;

    /** Makes room for as many values; what was held is lost. */
    void reserve(MemoryPool pool, WinogradGrid grid) {
        firstOffset = aligned(grid.windowValues());
        secondOffset = firstOffset + aligned(grid.firstValues());
        long needed = secondOffset + aligned(grid.secondValues());
        if (needed > bytes) {
            free(pool);
            block = pool.take(needed, "the transforms of a convolution");
            bytes = needed;
        }
    }

    private static long aligned(long values) {
        return CpuStorage.bytesOf(values) + MemoryPool.ALIGNMENT - 1 & -MemoryPool.ALIGNMENT;
    }

    /** Gives the memory back. */
    void free(MemoryPool pool) {
        if (block != null) {
            pool.give(block);
            block = null;
            bytes = 0;
        }
    }

    /** The address of the window. */
    long window() {
        return block.address();
    }

    /** The address of the first range. */
    long first() {
        return block.address() + firstOffset;
    }

    /** The address of the second range. */
    long second() {
        return block.address() + secondOffset;
    }

    void clear(long to, long byteCount) {
        if (byteCount > 0) {
            Pointer.memset(target.at(to), 0, byteCount);
        }
    }

    void copy(long from, long to, long byteCount) {
        Pointer.memcpy(target.at(to), source.at(from), byteCount);
    }

    /** Runs a plan of two arguments on the calling thread alone. */
    void run(Plan plan, long a, long b) {
        two[0] = a;
        two[1] = b;
        plan.executeHere(two);
    }

    /** Runs a plan of three arguments on the calling thread alone. */
    void run(Plan plan, long a, long b, long c) {
        three[0] = a;
        three[1] = b;
        three[2] = c;
        plan.executeHere(three);
    }

    /** Runs a plan of four arguments on the calling thread alone. */
    void run(Plan plan, long a, long b, long c, long d) {
        four[0] = a;
        four[1] = b;
        four[2] = c;
        four[3] = d;
        plan.executeHere(four);
    }
}
