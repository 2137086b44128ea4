package dev.instaflow.tokenizer;

import java.util.Arrays;

/**
 * Ids of one word: its UTF-8 bytes, merged by rank until no merge applies.
 * <p>Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with Subword
 * Units", as OpenAI's CLIP applies it ({@code simple_tokenizer.py}): in each round the pair of
 * lowest rank is merged wherever it stands, from left to right. Thread-safe.
 */
final class BytePairEncoder {
    private static final int BYTES = 256;
    private static final int LONG_WORD = 256; // bytes; no word of a language is that long

    private final MergeTable merges;
    private final WordCache cache = new WordCache();
    private final int[] byteIds = new int[BYTES];
    private final int[] lastByteIds = new int[BYTES]; // the byte with </w> behind it
    private final int[] startOfText;
    private final int[] endOfText;

    BytePairEncoder(Vocabulary vocabulary, MergeTable merges) {
        this.merges = merges;
        for (int value = 0; value < BYTES; value++) {
            byteIds[value] = vocabulary.find(ByteAlphabet.piece(value));
            lastByteIds[value] = vocabulary.find(ByteAlphabet.lastPiece(value));
        }
        startOfText = new int[] {vocabulary.startOfText()};
        endOfText = new int[] {vocabulary.endOfText()};
    }

    /** @return ids of the word {@code text[start, end)}, at least one; not to be modified */
    int[] encode(char[] text, int start, int end) {
        int hash = WordCache.hash(text, start, end);
        int[] ids = cache.find(hash, text, start, end);
        if (ids.length == 0) {
            ids = encodeNew(text, start, end);
            cache.keep(hash, text, start, end, ids);
        }
        return ids;
    }

    private int[] encodeNew(char[] text, int start, int end) {
        // Special pieces typed into a prompt get their ids, as in the original.
        if (text[start] == '<') {
            if (equals(Vocabulary.START_OF_TEXT, text, start, end)) {
                return startOfText;
            }
            if (equals(Vocabulary.END_OF_TEXT, text, start, end)) {
                return endOfText;
            }
        }
        int[] ids = new int[3 * (end - start)];
        int count = bytesOf(text, start, end, ids);
        int last = ids[count - 1];
        for (int i = 0; i < count - 1; i++) {
            ids[i] = byteIds[ids[i]];
        }
        ids[count - 1] = lastByteIds[last];
        return Arrays.copyOf(ids, mergeAll(ids, count));
    }

    private static boolean equals(String expected, char[] text, int start, int end) {
        return expected.length() == end - start
                && expected.contentEquals(new String(text, start, end - start));
    }

    /** UTF-8, a byte an int; a lone surrogate becomes U+FFFD, since it has no UTF-8. */
    private static int bytesOf(char[] text, int start, int end, int[] bytes) {
        int n = 0;
        for (int i = start; i < end; i++) {
            char c = text[i];
            if (c < 0x80) {
                bytes[n++] = c;
            } else if (c < 0x800) {
                bytes[n++] = 0xC0 | c >> 6;
                bytes[n++] = 0x80 | c & 0x3F;
            } else if (Character.isHighSurrogate(c)
                    && i + 1 < end
                    && Character.isLowSurrogate(text[i + 1])) {
                int point = Character.toCodePoint(c, text[++i]);
                bytes[n++] = 0xF0 | point >> 18;
                bytes[n++] = 0x80 | point >> 12 & 0x3F;
                bytes[n++] = 0x80 | point >> 6 & 0x3F;
                bytes[n++] = 0x80 | point & 0x3F;
            } else {
                int point = Character.isSurrogate(c) ? 0xFFFD : c;
                bytes[n++] = 0xE0 | point >> 12;
                bytes[n++] = 0x80 | point >> 6 & 0x3F;
                bytes[n++] = 0x80 | point & 0x3F;
            }
        }
        return n;
    }

    /** Merges {@code ids[0, count)} in place. @return how many are left */
    private int mergeAll(int[] ids, int count) {
        if (count > LONG_WORD) {
            return LongWordMerger.mergeAll(merges, ids, count);
        }
        int[] ranks = new int[count]; // ranks[i] belongs to ids[i], ids[i + 1]
        int lowest = MergeTable.NO_MERGE;
        for (int i = 0; i < count - 1; i++) {
            ranks[i] = merges.rank(ids[i], ids[i + 1]);
            lowest = Math.min(lowest, ranks[i]);
        }
        int n = count;
        while (lowest != MergeTable.NO_MERGE) {
            n = mergeRound(ids, ranks, n, lowest);
            lowest = MergeTable.NO_MERGE;
            for (int i = 0; i < n - 1; i++) {
                lowest = Math.min(lowest, ranks[i]);
            }
        }
        return n;
    }

    private int mergeRound(int[] ids, int[] ranks, int count, int rank) {
        int result = merges.result(rank);
        int to = 0;
        int stale = -1; // the place whose rank with its right neighbour is not known yet
        for (int from = 0; from < count; to++) {
            boolean merge = from < count - 1 && ranks[from] == rank;
            ids[to] = merge ? result : ids[from];
            if (to > 0 && (merge || stale == to - 1)) {
                ranks[to - 1] = merges.rank(ids[to - 1], ids[to]);
            }
            if (merge) {
                stale = to;
                from += 2;
            } else {
                ranks[to] = ranks[from];
                from++;
            }
        }
        return to;
    }
}
