package dev.instaflow.tokenizer;

import java.util.Arrays;

/**
 * Rank and result of the merge of two adjacent pieces, by their ids. Open addressing, because this
 * look-up is what encoding a new word spends its time on.
 */
final class MergeTable {
    /** Rank of a pair that no merge names; larger than every rank. */
    static final int NO_MERGE = Integer.MAX_VALUE;

    private static final long EMPTY = -1;

    private final long[] pairs;
    private final int[] ranks;
    private final int[] results;
    private final int mask;

    private MergeTable(long[] pairs, int[] ranks, int[] results) {
        this.pairs = pairs;
        this.ranks = ranks;
        this.results = results;
        this.mask = pairs.length - 1;
    }

    /**
     * @param source name of the merges for messages
     * @throws TokenizerFormatException if a merge names a piece that the vocabulary lacks, or
     *     stands twice
     */
    static MergeTable of(Vocabulary vocabulary, BytePairMerges merges, String source)
            throws TokenizerFormatException {
        int size = merges.size();
        int capacity = Integer.highestOneBit(Math.max(4, size)) << 2;
        long[] pairs = new long[capacity];
        Arrays.fill(pairs, EMPTY);
        int[] ranks = new int[capacity];
        int[] results = new int[size];
        for (int rank = 0; rank < size; rank++) {
            String left = merges.left(rank);
            String right = merges.right(rank);
            long pair =
                    pair(
                            idOf(vocabulary, left, rank, source),
                            idOf(vocabulary, right, rank, source));
            results[rank] = idOf(vocabulary, left.concat(right), rank, source);
            int slot = firstSlot(pair, capacity - 1);
            while (pairs[slot] != EMPTY) {
                if (pairs[slot] == pair) {
                    throw new TokenizerFormatException(
                            source,
                            "merges "
                                    + ranks[slot]
                                    + " and "
                                    + rank
                                    + " are the same: "
                                    + Vocabulary.quote(left + " " + right));
                }
                slot = (slot + 1) & (capacity - 1);
            }
            pairs[slot] = pair;
            ranks[slot] = rank;
        }
        return new MergeTable(pairs, ranks, results);
    }

    private static int idOf(Vocabulary vocabulary, String piece, int rank, String source)
            throws TokenizerFormatException {
        int id = vocabulary.find(piece);
        if (id < 0) {
            throw new TokenizerFormatException(
                    source,
                    "merge "
                            + rank
                            + " names the piece "
                            + Vocabulary.quote(piece)
                            + ", which vocab.json lacks; are the two files of one tokenizer?");
        }
        return id;
    }

    private static long pair(int left, int right) {
        return (long) left << 32 | right;
    }

    private static int firstSlot(long pair, int mask) {
        long hash = pair * 0x9E3779B97F4A7C15L;
        return (int) (hash >>> 40) & mask;
    }

    /** @return the rank of the merge of two ids, or {@link #NO_MERGE} */
    int rank(int left, int right) {
        long pair = pair(left, right);
        int slot = firstSlot(pair, mask);
        while (true) {
            long found = pairs[slot];
            if (found == pair) {
                return ranks[slot];
            }
            if (found == EMPTY) {
                return NO_MERGE;
            }
            slot = (slot + 1) & mask;
        }
    }

    /** @param rank of a merge @return id of the piece it makes */
    int result(int rank) {
        return results[rank];
    }
}
