package dev.instaflow.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Against OpenAI's simple_tokenizer and transformers' CLIPTokenizer, which made clip/cases.json;
 * its {@code ids} are OpenAI's with ftfy, and other set-ups are given where they differ.
 */
class ClipTokenizerOracleTest {
    private static final int CASES = 492;
    private static final int DECODE_CASES = 61;

    @Test
    void everyStringEqualsOpenAiWithFtfy() throws IOException {
        assertAllEqual(TextCleanup.OPENAI, "ids");
    }

    @Test
    void everyStringEqualsOpenAiWithoutFtfy() throws IOException {
        assertAllEqual(TextCleanup.OPENAI_WITHOUT_FTFY, "ids_noftfy", "ids");
    }

    @Test
    void everyStringEqualsTransformersWithoutFtfy() throws IOException {
        assertAllEqual(TextCleanup.TRANSFORMERS_WITHOUT_FTFY, "ids_hf_noftfy", "ids_noftfy", "ids");
    }

    /** Compares each case with the first of {@code fields} that it has. */
    private static void assertAllEqual(TextCleanup cleanup, String... fields) throws IOException {
        ClipTokenizer tokenizer = Fixtures.clip(TokenizerSettings.clip().withCleanup(cleanup));
        List<String> differences = new ArrayList<>();
        int count = 0;
        for (JsonNode one : Fixtures.json("clip/cases.json").get("cases")) {
            String field = Arrays.stream(fields).filter(one::has).findFirst().orElseThrow();
            int[] expected = Fixtures.ints(one.get(field));
            int[] actual = tokenizer.ids(one.get("text").textValue());
            if (!Arrays.equals(expected, actual)) {
                differences.add(
                        one.get("text")
                                + " expected "
                                + Arrays.toString(expected)
                                + " but was "
                                + Arrays.toString(actual));
            }
            count++;
        }
        assertEquals(List.of(), differences);
        assertEquals(CASES, count);
    }

    @Test
    void modelInputIsStartIdsEndAndPadding() throws IOException {
        ClipTokenizer tokenizer = Fixtures.clip(TokenizerSettings.clip());
        int cut = 0;
        for (JsonNode one : Fixtures.json("clip/cases.json").get("cases")) {
            int[] ids = Fixtures.ints(one.get("ids"));
            int[] expected = new int[77];
            Arrays.fill(expected, 49407);
            expected[0] = 49406;
            System.arraycopy(ids, 0, expected, 1, Math.min(75, ids.length));
            Encoding encoding = tokenizer.encode(one.get("text").textValue());
            assertArrayEquals(expected, encoding.ids(), () -> one.get("text").toString());
            assertEquals(Math.min(75, ids.length) + 2, encoding.length());
            assertEquals(Math.max(0, ids.length - 75), encoding.lostTokens());
            cut += encoding.isCut() ? 1 : 0;
        }
        assertTrue(
                cut >= 5,
                "cases.json has prompts that are too long, but only " + cut + " were cut");
    }

    @Test
    void decodedTextEqualsOpenAi() throws IOException {
        ClipTokenizer tokenizer = Fixtures.clip(TokenizerSettings.clip());
        JsonNode cases = Fixtures.json("clip/cases.json").get("decode");
        for (JsonNode one : cases) {
            assertEquals(
                    one.get("text").textValue(), tokenizer.decode(Fixtures.ints(one.get("ids"))));
        }
        assertEquals(DECODE_CASES, cases.size());
    }

    @Test
    void tinyEmojiCaptionsEqualItsTrainingProgram() throws IOException {
        ClipTokenizer tokenizer = Fixtures.tinyEmoji();
        JsonNode items = Fixtures.json("tiny-emoji/golden.json").get("items");
        for (JsonNode item : items) {
            assertArrayEquals(
                    Fixtures.ints(item.get("token_ids")),
                    tokenizer.encode(item.get("caption").textValue()).ids(),
                    item.get("caption").textValue());
        }
        assertEquals(6, items.size());
        assertEquals(4514, tokenizer.vocabulary().size());
    }
}
