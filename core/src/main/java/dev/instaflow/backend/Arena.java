package dev.instaflow.backend;

/**
 * A large piece of address space, handed out in ranges that merge with their neighbours when they come
 * back, so that what one stage of a pipeline leaves serves the next whatever the sizes. Pages that were
 * never handed out cost nothing. Not thread-safe: the pool guards it.
 */
public final class Arena {
    /** Some adjacent bytes, taken or free; all ranges of an arena form a list by address. */
    public static final class Range {
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

        /**
         * Where it begins.
         *
         * @return an address, aligned as the arena is
         */
        public long address() {
            return arena.address + offset;
        }

        /**
         * Whose it is.
         *
         * @return the arena that takes it back
         */
        public Arena arena() {
            return arena;
        }
    }

    private final long address;
    private final long alignment;
    private final Range first;
    private long usedBytes;
    private long takenBytes;
    private int taken;

    /**
     * An arena of which nothing is taken.
     *
     * @param address where it begins, aligned
     * @param bytes how much there is
     * @param alignment of all ranges
     */
    public Arena(long address, long bytes, long alignment) {
        this.address = address;
        this.alignment = alignment;
        this.first = new Range(this, 0, bytes / alignment * alignment);
    }

    /**
     * The smallest free range that is large enough, cut to size.
     *
     * @param bytes how much is needed
     * @return the range; null if there is none
     */
    public Range take(long bytes) {
        long wanted = (bytes + alignment - 1) / alignment * alignment;
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
        takenBytes += best.bytes;
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

    /**
     * Takes a range back.
     *
     * @param range of this arena
     */
    public void give(Range range) {
        range.free = true;
        taken--;
        takenBytes -= range.bytes;
        if (range.after != null && range.after.free) {
            absorbNext(range);
        }
        if (range.before != null && range.before.free) {
            absorbNext(range.before);
        }
    }

    /**
     * Takes a range back as if it had never been handed out.
     *
     * @param range of this arena
     * @param used {@link #usedBytes} before it was taken
     */
    public void undo(Range range, long used) {
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

    /**
     * Bytes from the start that were ever handed out: what this arena really occupies.
     *
     * @return at most its size
     */
    public long usedBytes() {
        return usedBytes;
    }

    /**
     * What is handed out now.
     *
     * @return bytes, each range rounded up to the alignment
     */
    public long takenBytes() {
        return takenBytes;
    }

    /**
     * Whether nothing is handed out.
     *
     * @return true if all ranges are back
     */
    public boolean isIdle() {
        return taken == 0;
    }
}
