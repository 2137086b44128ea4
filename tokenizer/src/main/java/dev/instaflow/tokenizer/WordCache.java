package dev.instaflow.tokenizer;

import java.util.Arrays;

/**
 * The ids of words met lately. Direct-mapped and therefore bounded: a word takes the place of the
 * one that was in its slot. Thread-safe without locks: an entry never changes once made (its fields
 * are final), and a lost race costs only encoding that word again.
 */
final class WordCache {
    private static final int SLOTS = 1 << 13;
    private static final int MAX_WORD_CHARS =
            32; // longer words hardly come again, and would cost memory

    private record Entry(int hash, char[] word, int[] ids) {}

    private final Entry[] entries = new Entry[SLOTS];

    static int hash(char[] text, int start, int end) {
        int hash = 0;
        for (int i = start; i < end; i++) {
            hash = 31 * hash + text[i];
        }
        return hash * 0x9E3779B1;
    }

    /**
     * @return the ids of {@code text[start, end)}, not to be modified, or an empty array if it is
     *     not here
     */
    int[] find(int hash, char[] text, int start, int end) {
        Entry entry = entries[hash >>> 19];
        return entry != null
                        && entry.hash == hash
                        && Arrays.equals(entry.word, 0, entry.word.length, text, start, end)
                ? entry.ids
                : NOT_HERE;
    }

    /** What {@link #find} answers for a word that is not here; no word has zero ids. */
    static final int[] NOT_HERE = new int[0];

    void keep(int hash, char[] text, int start, int end, int[] ids) {
        if (end - start <= MAX_WORD_CHARS) {
            entries[hash >>> 19] = new Entry(hash, Arrays.copyOfRange(text, start, end), ids);
        }
    }
}
