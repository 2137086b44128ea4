package dev.instaflow.backend.cpu;

import org.bytedeco.javacpp.Pointer;

/**
 * What one thread works with on a strip: memory for its window and for what the transforms
 * make of it, and what keeps native calls from making garbage. Kept for reuse. Used by one thread at a time.
 */
final class StripMemory {
    private final NativeAddress source = new NativeAddress();
    private final NativeAddress target = new NativeAddress();
    private final long[] two = new long[2];
    private final long[] three = new long[3];
    private final long[] four = new long[4];
    private MemoryPool.Block block;
    private long bytes;
    private long workOffset;
    private long productsOffset;
    private long halfOffset;
    StripMemory next;

    /** Makes room for as many values; what was held is lost. */
    void reserve(MemoryPool pool, WinogradGrid grid) {
        workOffset = aligned(grid.windowValues());
        productsOffset = workOffset + aligned(grid.workValues());
        halfOffset = productsOffset + aligned(grid.productValues());
        long needed = halfOffset + aligned(grid.halfValues());
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

    /** The address of rows and tiles before the products, and of the strip's result in the end. */
    long work() {
        return block.address() + workOffset;
    }

    /** The address of the products of one position, and of a row of results. */
    long products() {
        return block.address() + productsOffset;
    }

    /** The address of the results that are transformed back in one direction. */
    long half() {
        return block.address() + halfOffset;
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
