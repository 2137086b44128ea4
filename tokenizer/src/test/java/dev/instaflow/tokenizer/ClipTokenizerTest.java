package dev.instaflow.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ClipTokenizerTest {
    private static final int START = 49406;
    private static final int END = 49407;
    private static final int[] A_CAT = {320, 2368}; // OpenAI's ids of "a cat"

    private static final Map<String, Integer> RANKS = new HashMap<>();

    private static ClipTokenizer clip;

    @BeforeAll
    static void load() throws IOException {
        clip = Fixtures.clip(TokenizerSettings.clip());
        String merges = new String(Fixtures.bytes("clip/merges.txt"), StandardCharsets.UTF_8);
        merges.lines().skip(1).forEach(line -> RANKS.put(line, RANKS.size()));
    }

    @Test
    void shortPromptLosesNothing() {
        Encoding encoding = clip.encode("a cat");
        assertFalse(encoding.isCut());
        assertEquals("", encoding.lostText());
        assertEquals(4, encoding.length());
        assertArrayEquals(
                new int[] {START, A_CAT[0], A_CAT[1], END, END}, Arrays.copyOf(encoding.ids(), 5));
    }

    @Test
    void zeroPaddingFillsWithTheFirstId() throws IOException {
        ClipTokenizer sd2 = Fixtures.clip(TokenizerSettings.clip().withPadding(Padding.ID_ZERO));
        int[] ids = sd2.encode("a cat").ids();
        assertArrayEquals(new int[] {START, A_CAT[0], A_CAT[1], END, 0}, Arrays.copyOf(ids, 5));
        assertEquals(0, ids[76]);
    }

    @Test
    void piecesShowVocabularyFormAndText() {
        assertEquals(
                List.of(
                        new Piece(START, "<|startoftext|>", "<|startoftext|>"),
                        new Piece(320, "a</w>", "a"),
                        new Piece(2368, "cat</w>", "cat"),
                        new Piece(END, "<|endoftext|>", "<|endoftext|>")),
                clip.encode("a cat").pieces());
    }

    @Test
    void lostTextIsTheEndOfThePromptAsWritten() {
        String kept = "word ".repeat(75);
        Encoding encoding = clip.encode(kept + " THE Lost   End, Ёж");
        assertTrue(encoding.isCut());
        assertEquals("THE Lost   End, Ёж", encoding.lostText());
    }

    @Test
    void lostTextMayBeginInsideAWord() {
        int[] word = clip.ids("antidisestablishmentarianism");
        String firstPiece = clip.vocabulary().piece(word[0]);
        Encoding encoding = clip.encode("word ".repeat(74) + "Antidisestablishmentarianism");
        assertEquals(
                "Antidisestablishmentarianism".substring(firstPiece.length()), encoding.lostText());
        assertEquals(word.length - 1, encoding.lostTokens());
    }

    @Test
    void lostTextBeginsWithTheCharacterThatIsCutInTwo() {
        Encoding encoding = clip.encode("猫".repeat(40)); // three tokens each, 25 fit
        assertEquals("猫".repeat(15), encoding.lostText());
        Encoding shifted = clip.encode("a " + "猫".repeat(40));
        assertEquals("猫".repeat(16), shifted.lostText());
    }

    @Test
    void lostTextIsAsCleanedWhereCleaningDidMore() {
        assertEquals("a & b", clip.encode("word ".repeat(75) + "A &amp; B").lostText());
        assertEquals("A  B", clip.encode("&amp; " + "word ".repeat(74) + "A  B").lostText());
    }

    @Test
    void refusalQuotesWhatWouldBeLost() throws IOException {
        ClipTokenizer strict =
                Fixtures.clip(TokenizerSettings.clip().withTruncation(Truncation.REFUSE));
        assertEquals(77, strict.encode("word ".repeat(75)).length());
        IllegalArgumentException e =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> strict.encode("word ".repeat(75) + "One More"));
        assertEquals(
                "the prompt has 77 tokens, the model reads 75; shorten it, this would be lost: \"One"
                        + " More\"",
                e.getMessage());
    }

    @Test
    void chunksHoldEveryIdInOrder() {
        for (String prompt : List.of("", "a cat", "word ".repeat(75), "a cat, ".repeat(60))) {
            int[] expected = clip.ids(prompt);
            List<Encoding> chunks = clip.encodeChunks(prompt);
            assertEquals(Math.max(1, (expected.length + 74) / 75), chunks.size());
            List<Integer> ids = new ArrayList<>();
            for (Encoding chunk : chunks) {
                assertFalse(chunk.isCut());
                int[] all = chunk.ids();
                assertEquals(77, all.length);
                assertEquals(START, all[0]);
                assertEquals(END, all[chunk.length() - 1]);
                for (int i = 1; i < chunk.length() - 1; i++) {
                    ids.add(all[i]);
                }
            }
            assertArrayEquals(expected, ids.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    @Test
    void weightsFollowTheTokensOfTheirStretch() {
        WeightedEncoding weighted = clip.encodeWeighted("a (cat:1.5) sat");
        assertArrayEquals(clip.encode("a cat sat").ids(), weighted.chunks().get(0).ids());
        assertArrayEquals(new float[] {1, 1, 1.5f, 1, 1, 1}, Arrays.copyOf(weighted.weights(0), 6));
        assertFalse(weighted.isNeutral());
        assertTrue(clip.encodeWeighted("a cat sat").isNeutral());
    }

    @Test
    void weightsOfLongPromptsStandInTheirChunk() {
        WeightedEncoding weighted = clip.encodeWeighted("word ".repeat(75) + "((word)) word");
        assertEquals(2, weighted.chunks().size());
        assertArrayEquals(
                new float[] {1, 1.1f * 1.1f, 1, 1}, Arrays.copyOf(weighted.weights(1), 4), 1e-6f);
    }

    /** Both sides of the length where the way of merging changes, against merging word by hand. */
    @Test
    void longWordsAreMergedAsShortOnesAre() {
        Random random = new Random(3);
        for (int length : new int[] {255, 256, 257, 258, 700, 3000}) {
            StringBuilder word = new StringBuilder();
            for (int i = 0; i < length; i++) {
                word.append("eeetttaaoinshrlx".charAt(random.nextInt(16)));
            }
            assertArrayEquals(roundByRound(word.toString()), clip.ids(word.toString()));
        }
    }

    private static int[] roundByRound(String word) {
        List<String> pieces = new ArrayList<>(List.of(word.split("")));
        pieces.set(word.length() - 1, pieces.get(word.length() - 1) + "</w>");
        while (true) {
            String best = "";
            for (int i = 0; i + 1 < pieces.size(); i++) {
                String pair = pieces.get(i) + " " + pieces.get(i + 1);
                if (RANKS.containsKey(pair)
                        && (best.isEmpty() || RANKS.get(pair) < RANKS.get(best))) {
                    best = pair;
                }
            }
            if (best.isEmpty()) {
                return pieces.stream()
                        .mapToInt(p -> clip.vocabulary().id(p).orElseThrow())
                        .toArray();
            }
            for (int i = 0; i + 1 < pieces.size(); i++) {
                if (best.equals(pieces.get(i) + " " + pieces.get(i + 1))) {
                    pieces.set(i, pieces.get(i) + pieces.remove(i + 1));
                }
            }
        }
    }

    @Test
    void emphasisSignsAreTextUnlessAskedFor() {
        assertEquals("( cat : 1 . 5 )", clip.decode(clip.ids("(cat:1.5)")).strip());
    }

    @Test
    void loneSurrogateIsAReplacementCharacter() throws IOException {
        ClipTokenizer noFtfy =
                Fixtures.clip(
                        TokenizerSettings.clip().withCleanup(TextCleanup.OPENAI_WITHOUT_FTFY));
        assertArrayEquals(noFtfy.ids("x\uFFFDy"), noFtfy.ids("x\uD800y"));
        assertArrayEquals(clip.ids("x\uFFFDy"), clip.ids("x\uDC00y"));
    }

    @Test
    void decodingAnUnknownIdIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> clip.decode(49408));
        assertThrows(IllegalArgumentException.class, () -> clip.decode(-1));
    }

    @Test
    void threadsSeeTheSameIds() throws Exception {
        List<String> prompts = new ArrayList<>();
        for (int i = 0;
                i < 20_000;
                i++) { // more words than are remembered, so that places are contended
            prompts.add("word" + Integer.toString(i * 7919, 26) + " кот" + (char) ('а' + i % 32));
        }
        List<int[]> expected = prompts.stream().map(clip::ids).toList();
        ClipTokenizer shared = Fixtures.clip(TokenizerSettings.clip());
        Callable<Integer> differences =
                () -> {
                    int count = 0;
                    for (int i = 0; i < prompts.size(); i++) {
                        count += Arrays.equals(expected.get(i), shared.ids(prompts.get(i))) ? 0 : 1;
                    }
                    return count;
                };
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            for (Future<Integer> result :
                    threads.invokeAll(
                            List.of(differences, differences, differences, differences))) {
                assertEquals(0, result.get());
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void settingsRefuseALengthWithoutRoomForText() {
        assertThrows(
                IllegalArgumentException.class, () -> TokenizerSettings.clip().withMaxLength(2));
    }
}
