package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class TokenizeCommandTest {
    @Test
    void wordsAreJoinedAndGivenWithIdsAndPieces() {
        // Ids of OpenAI's CLIP for this sentence.
        assertEquals(
                """
                49406\t<|startoftext|>\t<|startoftext|>
                320\ta</w>\ta
                1125\tphoto</w>\tphoto
                539\tof</w>\tof
                320\ta</w>\ta
                2368\tcat</w>\tcat
                49407\t<|endoftext|>\t<|endoftext|>""",
                CommandRun.of("tokenize", "a", "photo of", "a cat").succeeded());
    }

    @Test
    void jsonHasPaddedIds() throws IOException {
        JsonNode json = json(CommandRun.of("tokenize", "--json", "a photo of a cat"));
        assertEquals("a photo of a cat", json.get("text").asText());
        assertEquals(77, json.get("ids").size());
        assertEquals(2368, json.get("ids").get(5).asInt());
        assertEquals(49407, json.get("ids").get(76).asInt());
        assertEquals(7, json.get("length").asInt());
        assertEquals("cat</w>", json.get("pieces").get(5).get("piece").asText());
        assertFalse(json.get("cut").asBoolean());
    }

    @Test
    void lostTextIsWarnedOfInOneLine() throws IOException {
        List<String> words = new ArrayList<>(List.of("tokenize", "--json"));
        words.addAll(Collections.nCopies(75, "cat"));
        words.addAll(List.of("lost", "dog"));
        CommandRun run = CommandRun.of(words.toArray(String[]::new));
        JsonNode json = json(run);
        assertTrue(json.get("cut").asBoolean());
        assertEquals("lost dog", json.get("lostText").asText());
        assertEquals(2, json.get("lostTokens").asInt());
        assertEquals("warning: cut at 77 tokens; 2 do not fit: lost dog", run.err().strip());
    }

    @Test
    void bundledModelHasItsOwnTokenizer() throws IOException {
        // From the parity data of the bundled model.
        JsonNode json =
                json(CommandRun.of("tokenize", "--json", "--tokenizer", "emoji", "красное сердце"));
        assertEquals("[4512,1707,761,4513]", ids(json));
        assertEquals(24, json.get("ids").size());
    }

    @Test
    void tokenizerOfAFolderIsRead() throws IOException {
        String folder = "../emoji-model/src/main/resources/dev/instaflow/emoji";
        JsonNode json =
                json(CommandRun.of("tokenize", "--json", "--tokenizer", folder, "красное сердце"));
        assertEquals("[4512,1707,761,4513]", ids(json));
        assertEquals(77, json.get("ids").size());
    }

    private static String ids(JsonNode json) {
        List<Integer> ids = new ArrayList<>();
        json.get("pieces").forEach(piece -> ids.add(piece.get("id").asInt()));
        return ids.toString().replace(" ", "");
    }

    private static JsonNode json(CommandRun run) throws IOException {
        return new ObjectMapper().readTree(run.succeeded());
    }
}
