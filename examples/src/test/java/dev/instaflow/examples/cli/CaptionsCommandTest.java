package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class CaptionsCommandTest {
    @Test
    void allCaptionsAreListedWithTheirEmoji() {
        String list = CommandRun.of("captions").succeeded();
        assertEquals(254, list.lines().count());
        assertTrue(list.contains("💔\tразбитое сердце"), list);
    }

    @Test
    void filterFindsTextInAnyCaseAndEmoji() {
        assertEquals("💔\tразбитое сердце", CommandRun.of("captions", "РАЗБИТОЕ").succeeded());
        assertEquals("💔\tразбитое сердце", CommandRun.of("captions", "💔").succeeded());
    }

    @Test
    void jsonHasTextAndEmoji() throws IOException {
        String json = CommandRun.of("captions", "--json", "разбитое").succeeded();
        JsonNode captions = new ObjectMapper().readTree(json);
        assertEquals(1, captions.size());
        assertEquals("разбитое сердце", captions.get(0).get("text").asText());
        assertEquals("💔", captions.get(0).get("emoji").asText());
    }

    @Test
    void nothingFoundIsSaidAndIsNoError() {
        CommandRun run = CommandRun.of("captions", "самовар");
        assertEquals("", run.succeeded());
        assertTrue(run.err().contains("самовар"), run.err());
    }
}
