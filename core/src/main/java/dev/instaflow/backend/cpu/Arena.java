package dev.instaflow.backend.cpu;

/**
 * A large piece of address space, handed out in ranges that merge with their neighbours when they come
 * back, so that what one stage of a pipeline leaves serves the next whatever the sizes. Pages that were
 * never handed out cost nothing. Not thread-safe: the pool guards it.
 */
final class Arena {
    /** Some adjacent bytes, taken or free; all ranges of an arena form a list by address. */
    static final class Range {
        private final Arena arena;
        private final long offset;
        private long bytes;
        private boolean free = true;
        private Range before;
        private Range after;

        private Range(Arena arena, long offset, long bytes) {
            this.arena = arena;
            this.offset = offset;
            this.bytes = bytes;
        }

        long address() {
            return arena.address + offset;
        }

        Arena arena() {
            return arena;
        }
    }

    private final long address;
    private final Range first;
    private long usedBytes;
    private int taken;

    /** Ranges of {@code bytes} bytes from {@code address} on, which is aligned. */
    Arena(long address, long bytes) {
        this.address = address;
        this.first = new Range(this, 0, bytes / MemoryPool.ALIGNMENT * MemoryPool.ALIGNMENT);
    }

    /** The smallest free range that is large enough, cut to size; null if there is none. */
    Range take(long bytes) {
        long wanted =
                (bytes + MemoryPool.ALIGNMENT - 1) / MemoryPool.ALIGNMENT * MemoryPool.ALIGNMENT;
        Range best = null;
        for (Range range = first; range != null; range = range.after) {
            boolean fits = range.free && range.bytes >= wanted;
            if (fits && (best == null || range.bytes < best.bytes)) {
                best = range;
            }
        }
        if (best == null) {
            return null;
        }
        if (best.bytes > wanted) {
            insertAfter(best, new Range(this, best.offset + wanted, best.bytes - wanted));
            best.bytes = wanted;
        }
        best.free = false;
        taken++;
        usedBytes = Math.max(usedBytes, best.offset + best.bytes);
        return best;
    }

    private static void insertAfter(Range range, Range rest) {
        rest.before = range;
        rest.after = range.after;
        if (rest.after != null) {
            rest.after.before = rest;
        }
        range.after = rest;
    }

    /** Takes a range back. */
    void give(Range range) {
        range.free = true;
        taken--;
        if (range.after != null && range.after.free) {
            absorbNext(range);
        }
        if (range.before != null && range.before.free) {
            absorbNext(range.before);
        }
    }

    /** Takes a range back as if it had never been handed out, when {@code used} bytes were in use. */
    void undo(Range range, long used) {
        give(range);
        usedBytes = used;
    }

    private static void absorbNext(Range range) {
        Range next = range.after;
        range.bytes += next.bytes;
        range.after = next.after;
        if (next.after != null) {
            next.after.before = range;
        }
    }

    /** Bytes from the start that were ever handed out: what this arena really occupies. */
    long usedBytes() {
        return usedBytes;
    }

    /** Whether nothing is handed out. */
    boolean isIdle() {
        return taken == 0;
    }
}
