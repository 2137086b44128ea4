package dev.instaflow.tokenizer;

import java.util.PriorityQueue;

/**
 * The merges of {@link BytePairEncoder} for words of thousands of bytes, in n log n time where
 * looking through the word in every round takes n² (20 s for a megabyte without a space).
 */
final class LongWordMerger {
    private static final int NONE = -1;

    private final MergeTable merges;
    private final int[] ids;
    private final int[] next;
    private final int[] previous;
    private final PriorityQueue<Long> queue = new PriorityQueue<>(); // rank, then place

    private LongWordMerger(MergeTable merges, int[] ids, int count) {
        this.merges = merges;
        this.ids = ids;
        this.next = new int[count];
        this.previous = new int[count];
        for (int i = 0; i < count; i++) {
            next[i] = i + 1 < count ? i + 1 : NONE;
            previous[i] = i - 1;
        }
    }

    /** Merges {@code ids[0, count)} in place. @return how many are left */
    static int mergeAll(MergeTable merges, int[] ids, int count) {
        LongWordMerger word = new LongWordMerger(merges, ids, count);
        for (int i = 0; i < count - 1; i++) {
            word.enqueue(i);
        }
        while (!word.queue.isEmpty()) {
            word.mergeRound();
        }
        int n = 0;
        for (int i = 0; i != NONE; i = word.next[i]) {
            ids[n++] = ids[i]; // n never overtakes i
        }
        return n;
    }

    private int rankAt(int place) {
        return place == NONE || next[place] == NONE
                ? MergeTable.NO_MERGE
                : merges.rank(ids[place], ids[next[place]]);
    }

    private void enqueue(int place) {
        int rank = rankAt(place);
        if (rank != MergeTable.NO_MERGE) {
            queue.add((long) rank << 32 | place);
        }
    }

    /** Merges every pair of the lowest rank, from left to right, before looking at what that made. */
    private void mergeRound() {
        int rank = (int) (queue.peek() >> 32);
        IdBuffer made = new IdBuffer(8);
        while (!queue.isEmpty() && (int) (queue.peek() >> 32) == rank) {
            int place = queue.poll().intValue();
            // Stale if a neighbour was merged meanwhile; a place that was swallowed has no
            // neighbour.
            if (rankAt(place) == rank) {
                merge(place, merges.result(rank));
                made.append(new int[] {place});
            }
        }
        for (int place : made.toArray()) {
            enqueue(place);
            if (previous[place] != NONE) {
                enqueue(previous[place]);
            }
        }
    }

    private void merge(int place, int result) {
        int swallowed = next[place];
        ids[place] = result;
        next[place] = next[swallowed];
        if (next[place] != NONE) {
            previous[next[place]] = place;
        }
        next[swallowed] = NONE;
    }
}
