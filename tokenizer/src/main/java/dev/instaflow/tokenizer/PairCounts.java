package dev.instaflow.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * How often each pair of adjacent pieces occurs in a corpus, kept up to date while pairs are
 * merged: a merge touches only the words that hold the pair.
 */
final class PairCounts {
    /** No pair; pairs are never negative. */
    static final long NONE = -1;

    private static final int BYTES = 256;

    /** A pair with the frequency it had when it was queued; stale if that has changed since. */
    private record Candidate(long pair, long frequency) {}

    private final List<int[]> words = new ArrayList<>();
    private final List<Long> wordFrequencies = new ArrayList<>();
    private final Map<Long, Long> frequencies = new HashMap<>();
    private final Map<Long, Set<Integer>> wordsWithPair = new HashMap<>();
    private final PriorityQueue<Candidate> queue =
            new PriorityQueue<>(
                    Comparator.comparingLong(Candidate::frequency)
                            .reversed()
                            .thenComparingLong(Candidate::pair));

    /** @param words how often each word occurs */
    PairCounts(Map<String, Long> words) {
        int[] idOfByte = new int[BYTES];
        for (int place = 0; place < BYTES; place++) {
            idOfByte[ByteAlphabet.byteAt(place)] = place;
        }
        words.forEach(
                (word, frequency) -> {
                    byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
                    int[] ids = new int[bytes.length];
                    for (int i = 0; i < ids.length; i++) {
                        ids[i] = idOfByte[bytes[i] & 0xFF];
                    }
                    ids[ids.length - 1] += BYTES; // with </w>
                    count(this.words.size(), ids, frequency);
                    this.words.add(ids);
                    wordFrequencies.add(frequency);
                });
        frequencies.forEach((pair, frequency) -> queue.add(new Candidate(pair, frequency)));
    }

    static int left(long pair) {
        return (int) (pair >> 32);
    }

    static int right(long pair) {
        return (int) pair;
    }

    private static long pair(int left, int right) {
        return (long) left << 32 | right;
    }

    private void count(int word, int[] ids, long frequency) {
        for (int i = 0; i + 1 < ids.length; i++) {
            long pair = pair(ids[i], ids[i + 1]);
            frequencies.merge(pair, frequency, Long::sum);
            wordsWithPair.computeIfAbsent(pair, key -> new HashSet<>()).add(word);
        }
    }

    long frequency(long pair) {
        return frequencies.getOrDefault(pair, 0L);
    }

    /**
     * @return the most frequent pair, of several the one with the smallest ids; or {@link #NONE}
     */
    long mostFrequent() {
        while (!queue.isEmpty()) {
            Candidate best = queue.peek();
            if (best.frequency == frequency(best.pair)) {
                return best.pair;
            }
            queue.poll();
        }
        return NONE;
    }

    /** Puts the piece {@code id} wherever {@code pair} stands. */
    void merge(long pair, int id) {
        Set<Long> changed = new HashSet<>();
        for (int word : wordsWithPair.remove(pair)) {
            int[] before = words.get(word);
            int[] after = merged(before, pair, id);
            uncount(before, wordFrequencies.get(word), changed);
            count(word, after, wordFrequencies.get(word));
            for (int i = 0; i + 1 < after.length; i++) {
                changed.add(pair(after[i], after[i + 1]));
            }
            words.set(word, after);
        }
        frequencies.remove(pair);
        changed.remove(pair);
        for (long other : changed) {
            if (frequency(other) > 0) {
                queue.add(new Candidate(other, frequency(other)));
            }
        }
    }

    private void uncount(int[] ids, long frequency, Set<Long> changed) {
        for (int i = 0; i + 1 < ids.length; i++) {
            long pair = pair(ids[i], ids[i + 1]);
            frequencies.merge(pair, -frequency, (a, b) -> a + b == 0 ? null : a + b);
            changed.add(pair);
        }
    }

    private static int[] merged(int[] ids, long pair, int id) {
        int[] merged = new int[ids.length];
        int n = 0;
        for (int i = 0; i < ids.length; n++) {
            boolean here = i + 1 < ids.length && pair(ids[i], ids[i + 1]) == pair;
            merged[n] = here ? id : ids[i];
            i += here ? 2 : 1;
        }
        return Arrays.copyOf(merged, n);
    }
}
