package dev.instaflow.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpeTrainerTest {
    @TempDir private Path folder;

    /**
     * The corpus of Sennrich et al. 2016, figure 1; merges derived by hand, ties by the smaller
     * left id.
     */
    @Test
    void mergesEqualThoseDerivedByHand() {
        String corpus =
                "low ".repeat(5) + "lower ".repeat(2) + "newest ".repeat(6) + "widest ".repeat(3);
        TokenizerFiles files = BpeTrainer.of(100).train(Stream.of(corpus));
        assertEquals(
                List.of(
                        "e s",
                        "es t</w>",
                        "l o",
                        "e w",
                        "n ew",
                        "new est</w>",
                        "lo w</w>",
                        "d est</w>",
                        "i dest</w>",
                        "w idest</w>",
                        "e r</w>",
                        "w er</w>",
                        "lo wer</w>"),
                mergesOf(files));
        Vocabulary vocabulary = files.vocabulary();
        assertEquals(512 + 13 + 2, vocabulary.size());
        assertEquals("!", vocabulary.piece(0));
        assertEquals("!</w>", vocabulary.piece(256));
        assertEquals("es", vocabulary.piece(512));
        assertEquals(525, vocabulary.startOfText());
        assertEquals(526, vocabulary.endOfText());
    }

    @Test
    void mergeCountAndLeastFrequencyAreLimits() {
        assertEquals(
                List.of("a b</w>"), mergesOf(BpeTrainer.of(1).train(Stream.of("ab ab cd cd"))));
        assertEquals(List.of(), mergesOf(BpeTrainer.of(9).train(Stream.of("ab cd"))));
        assertEquals(
                List.of("a b</w>", "c d</w>"),
                mergesOf(BpeTrainer.of(9).withMinFrequency(1).train(Stream.of("ab cd"))));
        assertThrows(IllegalArgumentException.class, () -> BpeTrainer.of(-1));
        assertThrows(IllegalArgumentException.class, () -> BpeTrainer.of(1).withMinFrequency(0));
    }

    @Test
    void writtenFilesLoadAndDecodeToTheText() throws IOException {
        List<String> captions =
                List.of("красное сердце", "красный кот 🐱", "a <b> ## # café", "猫猫 猫");
        BpeTrainer.of(200).train(Stream.concat(captions.stream(), captions.stream())).write(folder);
        ClipTokenizer tokenizer = ClipTokenizer.load(folder, TokenizerSettings.tinyEmoji());
        for (String caption : captions) {
            int[] ids = tokenizer.ids(caption);
            assertEquals(caption.split(" ").length, ids.length - extraWords(caption));
            assertEquals(caption.replace(" ", ""), tokenizer.decode(ids).replace(" ", ""));
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(
                    List.of("merges.txt", "vocab.json"),
                    files.map(file -> file.getFileName().toString()).sorted().toList());
        }
        assertTrue(Files.readString(folder.resolve("merges.txt")).startsWith("#version: 0.2\n"));
    }

    /** {@code <b>} is one word to people, three to the tokenizer. */
    private static int extraWords(String caption) {
        return caption.contains("<b>") ? 2 : 0;
    }

    @Test
    void orderOfTheCorpusDoesNotMatter() throws IOException {
        List<String> words = randomWords(3000);
        TokenizerFiles one = BpeTrainer.of(300).train(words.stream());
        Collections.shuffle(words, new Random(5));
        TokenizerFiles other = BpeTrainer.of(300).train(words.stream());
        assertArrayEquals(one.vocabulary().toJson(), other.vocabulary().toJson());
        assertArrayEquals(one.merges().toText(), other.merges().toText());
    }

    /**
     * The counts that are kept up to date give the merges that counting anew in every round gives.
     */
    @Test
    void incrementalCountsEqualCountingAnew() {
        List<String> words = randomWords(400);
        TokenizerFiles files = BpeTrainer.of(120).train(words.stream());
        assertEquals(naiveMerges(words, 120, files.vocabulary()), mergesOf(files));
    }

    private static List<String> naiveMerges(List<String> words, int count, Vocabulary ids) {
        List<List<String>> corpus = new ArrayList<>();
        for (String word : words) {
            List<String> pieces = new ArrayList<>(List.of(word.split("")));
            pieces.set(pieces.size() - 1, pieces.get(pieces.size() - 1) + "</w>");
            corpus.add(pieces);
        }
        List<String> merges = new ArrayList<>();
        while (merges.size() < count) {
            Map<List<String>, Integer> pairs = new HashMap<>();
            for (List<String> word : corpus) {
                for (int i = 0; i + 1 < word.size(); i++) {
                    pairs.merge(List.copyOf(word.subList(i, i + 2)), 1, Integer::sum);
                }
            }
            List<String> best =
                    pairs.keySet().stream()
                            .min(
                                    (a, b) -> {
                                        int byCount = pairs.get(b) - pairs.get(a);
                                        int byLeft = ids.find(a.get(0)) - ids.find(b.get(0));
                                        int byRight = ids.find(a.get(1)) - ids.find(b.get(1));
                                        return byCount != 0
                                                ? byCount
                                                : byLeft != 0 ? byLeft : byRight;
                                    })
                            .orElseThrow();
            merges.add(best.get(0) + " " + best.get(1));
            for (List<String> word : corpus) {
                for (int i = 0; i + 1 < word.size(); i++) {
                    if (word.subList(i, i + 2).equals(best)) {
                        word.set(i, word.get(i) + word.remove(i + 1));
                    }
                }
            }
        }
        return merges;
    }

    private static List<String> randomWords(int count) {
        Random random = new Random(11);
        List<String> words = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            StringBuilder word = new StringBuilder();
            for (int n = 1 + random.nextInt(9); n > 0; n--) {
                word.append("aabbbcde".charAt(random.nextInt(8)));
            }
            words.add(word.toString());
        }
        return words;
    }

    private static List<String> mergesOf(TokenizerFiles files) {
        BytePairMerges merges = files.merges();
        return IntStream.range(0, merges.size())
                .mapToObj(rank -> merges.left(rank) + " " + merges.right(rank))
                .toList();
    }
}
