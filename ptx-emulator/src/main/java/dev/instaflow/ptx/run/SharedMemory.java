package dev.instaflow.ptx.run;

import java.util.Arrays;

/**
 * The shared memory of the block that runs, with who touched each byte last.
 * <p>A byte's stamp is {@code epoch:32 sync:19 atomic:1 warps:1 lanes:1 thread:10}: the epoch counts
 * block barriers, sync the warp's own; the flags say that more than one warp or lane read it. Two
 * threads race if one writes and no barrier of the block lies between, or, in one warp, no
 * bar.warp.sync. Stores of the value that is there already are not a race.
 */
final class SharedMemory {
    private static final long ATOMIC = 1 << 12;
    private static final long MANY_WARPS = 1 << 11;
    private static final long MANY_LANES = 1 << 10;
    private static final int SYNC_SHIFT = 13;
    private static final long SYNC_MASK = (1 << 19) - 1;
    private static final int THREAD_MASK = 1023;

    /** The bytes, little-endian; compiled code reads and writes whole words. */
    final int[] words;

    private final int size;
    private final boolean tracks;
    private final long[] writes;
    private final long[] reads;
    private final boolean[] inFlight;
    private final Sanitiser sanitiser;
    private long epoch = 1;
    private long firstEpoch = 1;

    SharedMemory(int bytes, Sanitiser sanitiser, LaunchSettings.Mode mode) {
        this.words = new int[(bytes + 3) / 4];
        this.size = bytes;
        this.tracks = mode == LaunchSettings.Mode.CHECKED;
        this.writes = new long[tracks ? bytes : 0];
        this.reads = new long[tracks ? bytes : 0];
        this.inFlight = new boolean[tracks ? bytes : 0];
        this.sanitiser = sanitiser;
    }

    int size() {
        return size;
    }

    /** Forgets the contents: a new block begins. */
    void startBlock() {
        epoch++;
        firstEpoch = epoch;
        Arrays.fill(inFlight, false);
    }

    /** All threads have met. */
    void barrier() {
        epoch++;
    }

    /** Offset of an access, checked. */
    int locate(Step step, Warp warp, int lane, long address, int bytes) {
        long offset = address & 0xffffffffL;
        if (offset + bytes > size) {
            throw sanitiser.fatal(
                    Finding.Kind.OUT_OF_BOUNDS,
                    step,
                    warp,
                    lane,
                    bytes + " bytes at shared offset " + (int) offset + " of " + size);
        }
        if ((offset & (bytes - 1)) != 0) {
            throw sanitiser.fatal(
                    Finding.Kind.MISALIGNED,
                    step,
                    warp,
                    lane,
                    bytes + " bytes at shared offset " + offset);
        }
        return (int) offset;
    }

    void noteRead(Step step, Warp warp, int lane, int at, int bytes) {
        if (!tracks) {
            return;
        }
        int thread = warp.thread(lane);
        long stamp = stamp(warp, thread);
        for (int i = at; i < at + bytes; i++) {
            long write = writes[i];
            if (write >>> 32 == epoch) {
                if (conflicts(write, warp, thread)) {
                    race(step, warp, lane, i, "read after a write by", write);
                }
            } else if (write >>> 32 < firstEpoch && !inFlight[i]) {
                sanitiser.report(
                        Finding.Kind.UNINITIALISED_READ,
                        step,
                        warp,
                        lane,
                        "shared offset " + i + " was never written");
            }
            if (inFlight[i]) {
                reportInFlight(step, warp, lane, i);
            }
            long read = reads[i];
            reads[i] = read >>> 32 == epoch ? merged(read, stamp) : stamp;
        }
    }

    /** Must be called before the bytes change. */
    void noteWrite(Step step, Warp warp, int lane, int at, int bytes, long value) {
        if (!tracks) {
            return;
        }
        for (int i = 0; i < bytes; i++) {
            boolean same = get(at + i, 1) == (value >>> 8 * i & 0xff);
            noteWrite(step, warp, lane, at + i, same, 0);
        }
    }

    /** An atomic races with plain accesses alone. */
    void noteAtomic(Step step, Warp warp, int lane, int at, int bytes) {
        if (!tracks) {
            return;
        }
        for (int i = at; i < at + bytes; i++) {
            if (writes[i] >>> 32 < firstEpoch) {
                sanitiser.report(
                        Finding.Kind.UNINITIALISED_READ,
                        step,
                        warp,
                        lane,
                        "atomic on shared offset " + i + ", which was never written");
            }
            noteWrite(step, warp, lane, i, false, ATOMIC);
        }
    }

    /** A copy that may land at any time from now. */
    void noteCopyIssued(Step step, Warp warp, int lane, int at, int bytes) {
        if (!tracks) {
            return;
        }
        for (int i = at; i < at + bytes; i++) {
            noteWrite(step, warp, lane, i, false, 0);
            inFlight[i] = true;
        }
    }

    void copyArrived(Step step, Warp warp, int lane, AsyncCopies.Copy copy) {
        if (!tracks) {
            put(copy.target(), copy.bytes());
            return;
        }
        for (int i = 0; i < copy.bytes().length; i++) {
            int at = copy.target() + i;
            inFlight[at] = false;
            noteWrite(step, warp, lane, at, false, 0);
        }
        put(copy.target(), copy.bytes());
    }

    private void noteWrite(Step step, Warp warp, int lane, int i, boolean same, long atomic) {
        int thread = warp.thread(lane);
        long write = writes[i];
        boolean bothAtomic = (write & atomic) != 0;
        if (write >>> 32 == epoch && !same && !bothAtomic && conflicts(write, warp, thread)) {
            race(step, warp, lane, i, "write after a write by", write);
        }
        long read = reads[i];
        if (read >>> 32 == epoch && !same && readConflicts(read, warp, thread)) {
            race(step, warp, lane, i, "write after a read by", read);
        }
        if (inFlight[i]) {
            reportInFlight(step, warp, lane, i);
        }
        writes[i] = stamp(warp, thread) | atomic;
    }

    /** An aligned value of 1, 2, 4 or 8 bytes, zero-extended. */
    long get(int at, int bytes) {
        int word = words[at >> 2];
        return switch (bytes) {
            case 1 -> word >>> 8 * (at & 3) & 0xffL;
            case 2 -> word >>> 8 * (at & 2) & 0xffffL;
            case 4 -> word & 0xffffffffL;
            default -> word & 0xffffffffL | (long) words[(at >> 2) + 1] << 32;
        };
    }

    /** An aligned value of 1, 2, 4 or 8 bytes. */
    void put(int at, int bytes, long value) {
        int index = at >> 2;
        if (bytes >= 4) {
            words[index] = (int) value;
            if (bytes == 8) {
                words[index + 1] = (int) (value >>> 32);
            }
        } else {
            int shift = 8 * (at & 3);
            int field = (1 << 8 * bytes) - 1 << shift;
            words[index] = words[index] & ~field | (int) value << shift & field;
        }
    }

    /** Whole words. */
    void put(int at, byte[] bytes) {
        for (int i = 0; i < bytes.length; i += 4) {
            words[at + i >> 2] = (int) Bytes.get(bytes, i, 4);
        }
    }

    private long stamp(Warp warp, int thread) {
        return epoch << 32 | (warp.syncEpoch & SYNC_MASK) << SYNC_SHIFT | thread;
    }

    private static long merged(long old, long stamp) {
        int a = (int) old & THREAD_MASK;
        int b = (int) stamp & THREAD_MASK;
        long flags = old & (MANY_WARPS | MANY_LANES);
        if (a / Warp.LANES != b / Warp.LANES) {
            flags |= MANY_WARPS;
        } else if (a != b) {
            flags |= MANY_LANES;
        }
        return stamp | flags;
    }

    private static boolean conflicts(long stamp, Warp warp, int thread) {
        int other = (int) stamp & THREAD_MASK;
        return other != thread
                && (other / Warp.LANES != warp.index
                        || (stamp >>> SYNC_SHIFT & SYNC_MASK) == (warp.syncEpoch & SYNC_MASK));
    }

    private static boolean readConflicts(long stamp, Warp warp, int thread) {
        boolean sameSync = (stamp >>> SYNC_SHIFT & SYNC_MASK) == (warp.syncEpoch & SYNC_MASK);
        return (stamp & MANY_WARPS) != 0
                || (stamp & MANY_LANES) != 0 && sameSync
                || conflicts(stamp, warp, thread);
    }

    private void race(Step step, Warp warp, int lane, int at, String what, long stamp) {
        sanitiser.report(
                Finding.Kind.SHARED_RACE,
                step,
                warp,
                lane,
                "shared offset "
                        + at
                        + ": "
                        + what
                        + " thread "
                        + (stamp & THREAD_MASK)
                        + " with no barrier between");
    }

    private void reportInFlight(Step step, Warp warp, int lane, int at) {
        sanitiser.report(
                Finding.Kind.ASYNC_COPY_IN_FLIGHT,
                step,
                warp,
                lane,
                "shared offset " + at + " touched before its cp.async was waited for");
    }
}
