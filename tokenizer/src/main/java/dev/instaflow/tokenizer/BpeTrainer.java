package dev.instaflow.tokenizer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Learns a byte-level byte-pair encoding from text, in CLIP's layout: 256 bytes, the same with
 * {@code </w>}, the merges, start and end of text.
 * <p>Sennrich, Haddow and Birch 2016, algorithm 1: the most frequent adjacent pair becomes a piece,
 * again and again. Of equally frequent pairs the one with the smaller ids is taken, so that the
 * same text always gives the same files. Words are cleaned and cut as {@link ClipTokenizer} does.
 */
public final class BpeTrainer {
    private final int mergeCount;
    private final long minFrequency;
    private final TextCleanup cleanup;

    private BpeTrainer(int mergeCount, long minFrequency, TextCleanup cleanup) {
        this.mergeCount = mergeCount;
        this.minFrequency = minFrequency;
        this.cleanup = Objects.requireNonNull(cleanup, "cleanup");
    }

    /**
     * @param mergeCount how many merges to learn at most, e.g. 4000; a small corpus yields fewer
     */
    public static BpeTrainer of(int mergeCount) {
        if (mergeCount < 0 || mergeCount > Vocabulary.MAX_SIZE / 2) {
            throw new IllegalArgumentException(
                    "mergeCount is " + mergeCount + ", not within 0.." + Vocabulary.MAX_SIZE / 2);
        }
        return new BpeTrainer(mergeCount, 2, TextCleanup.NFC_LOWER_CASE);
    }

    /** @return this with another least frequency of a pair that is merged; 2 unless set */
    public BpeTrainer withMinFrequency(long minFrequency) {
        if (minFrequency < 1) {
            throw new IllegalArgumentException(
                    "minFrequency is " + minFrequency + ", expected at least 1");
        }
        return new BpeTrainer(mergeCount, minFrequency, cleanup);
    }

    /** @return this with another cleaning; NFC and lower case unless set. Use the tokenizer's. */
    public BpeTrainer withCleanup(TextCleanup cleanup) {
        return new BpeTrainer(mergeCount, minFrequency, cleanup);
    }

    /**
     * @param corpus texts of any length, read once, in order
     * @return both files' content; {@link TokenizerFiles#write} writes them
     */
    public TokenizerFiles train(Stream<String> corpus) {
        List<String> pieces = bytePieces();
        PairCounts pairs = new PairCounts(wordsOf(corpus));
        List<String> left = new ArrayList<>();
        List<String> right = new ArrayList<>();
        Map<String, Integer> idOfPiece = new HashMap<>();
        for (int id = 0; id < pieces.size(); id++) {
            idOfPiece.put(pieces.get(id), id);
        }
        while (left.size() < mergeCount) {
            long pair = pairs.mostFrequent();
            if (pair == PairCounts.NONE || pairs.frequency(pair) < minFrequency) {
                break;
            }
            String first = pieces.get(PairCounts.left(pair));
            String second = pieces.get(PairCounts.right(pair));
            left.add(first);
            right.add(second);
            // Two different pairs can spell the same piece; it then has one id and two merges.
            int id = idOfPiece.computeIfAbsent(first + second, piece -> pieces.size());
            if (id == pieces.size()) {
                pieces.add(first + second);
            }
            pairs.merge(pair, id);
        }
        pieces.add(Vocabulary.START_OF_TEXT);
        pieces.add(Vocabulary.END_OF_TEXT);
        return new TokenizerFiles(Vocabulary.ofDistinct(pieces), BytePairMerges.of(left, right));
    }

    private static List<String> bytePieces() {
        List<String> pieces = new ArrayList<>();
        for (int place = 0; place < 256; place++) {
            pieces.add(ByteAlphabet.piece(ByteAlphabet.byteAt(place)));
        }
        for (int place = 0; place < 256; place++) {
            pieces.add(ByteAlphabet.lastPiece(ByteAlphabet.byteAt(place)));
        }
        return pieces;
    }

    /** @return how often each word occurs */
    private Map<String, Long> wordsOf(Stream<String> corpus) {
        Map<String, Long> words = new HashMap<>();
        corpus.forEachOrdered(
                text -> {
                    CleanText clean = cleanup.clean(text);
                    WordSplitter place = new WordSplitter(clean);
                    while (place.next()) {
                        int length = place.end() - place.start();
                        words.merge(
                                new String(clean.chars(), place.start(), length), 1L, Long::sum);
                    }
                });
        words.remove(Vocabulary.START_OF_TEXT);
        words.remove(Vocabulary.END_OF_TEXT);
        return words;
    }
}
