package dev.instaflow.ptx.run;

import dev.instaflow.ptx.run.EmulatedMemory.Allocation;
import java.nio.ByteBuffer;

/** Memory accesses of one lane as compiled kernels make them: bounds and alignment are checked, no more. */
final class LaneMemory {
    private LaneMemory() {}

    /** The allocation that holds an access. Short, for the JIT compiler has to inline it everywhere. */
    static Allocation global(Step step, Warp warp, int lane, long address, int bytes) {
        Allocation last = warp.lastFound[step.index];
        long at = address - last.base;
        if ((at | last.liveSize - bytes - at) < 0 || (address & bytes - 1) != 0) {
            return MemoryUnit.global(step, warp, lane, address, bytes);
        }
        return last;
    }

    /** The allocation that holds an access, its bytes marked as written. */
    static Allocation globalForWrite(Step step, Warp warp, int lane, long address, int bytes) {
        Allocation allocation = global(step, warp, lane, address, bytes);
        if (allocation.readOnly) {
            return MemoryUnit.globalForWrite(step, warp, lane, address, bytes);
        }
        Bytes.setOnes(allocation.written, (int) (address - allocation.base), bytes);
        return allocation;
    }

    /** Offset of an access. */
    static int shared(Step step, Warp warp, int lane, long address, int bytes) {
        int at = (int) address;
        if ((at | warp.sharedBytes - bytes - at) < 0 || (at & bytes - 1) != 0) {
            return warp.context.shared().locate(step, warp, lane, address, bytes);
        }
        return at;
    }

    /** Zero-extended. */
    static int get8(int[] words, int at) {
        return words[at >> 2] >>> 8 * (at & 3) & 0xff;
    }

    /** Zero-extended. */
    static int get16(int[] words, int at) {
        return words[at >> 2] >>> 8 * (at & 2) & 0xffff;
    }

    static int get32(int[] words, int at) {
        return words[at >> 2];
    }

    static long get64(int[] words, int at) {
        return words[at >> 2] & 0xffffffffL | (long) words[(at >> 2) + 1] << 32;
    }

    static void put8(int[] words, int at, int value) {
        int shift = 8 * (at & 3);
        words[at >> 2] = words[at >> 2] & ~(0xff << shift) | (value & 0xff) << shift;
    }

    static void put16(int[] words, int at, int value) {
        int shift = 8 * (at & 2);
        words[at >> 2] = words[at >> 2] & ~(0xffff << shift) | (value & 0xffff) << shift;
    }

    static void put32(int[] words, int at, int value) {
        words[at >> 2] = value;
    }

    static void put64(int[] words, int at, long value) {
        words[at >> 2] = (int) value;
        words[(at >> 2) + 1] = (int) (value >>> 32);
    }

    /** Zero-extended. */
    static int get8(ByteBuffer bytes, int at) {
        return (int) Bytes.get(bytes, at, 1);
    }

    /** Zero-extended. */
    static int get16(ByteBuffer bytes, int at) {
        return (int) Bytes.get(bytes, at, 2);
    }

    static int get32(ByteBuffer bytes, int at) {
        return (int) Bytes.get(bytes, at, 4);
    }

    static long get64(ByteBuffer bytes, int at) {
        return Bytes.get(bytes, at, 8);
    }

    static void put8(ByteBuffer bytes, int at, int value) {
        Bytes.put(bytes, at, 1, value);
    }

    static void put16(ByteBuffer bytes, int at, int value) {
        Bytes.put(bytes, at, 2, value);
    }

    static void put32(ByteBuffer bytes, int at, int value) {
        Bytes.put(bytes, at, 4, value);
    }

    static void put64(ByteBuffer bytes, int at, long value) {
        Bytes.put(bytes, at, 8, value);
    }
}
