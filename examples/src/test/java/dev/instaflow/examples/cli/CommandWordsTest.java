package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class CommandWordsTest {
    private static final String LOST = "\uFFFD\uFFFD\uFFFD\uFFFD";

    @Test
    void russianWordsAreRecoveredFromTheProcessLine() {
        String[] decoded = {"generate", LOST + "x", "--out", "a.png"};
        assertArrayEquals(
                new String[] {"generate", "дx", "--out", "a.png"},
                CommandWords.recovered(
                        decoded,
                        line("java", "-jar", "i.jar", "generate", "дx", "--out", "a.png")));
    }

    @Test
    void emptyWordsKeepTheirPlaces() {
        String[] decoded = {"", LOST, ""};
        assertArrayEquals(
                new String[] {"", "да", ""},
                CommandWords.recovered(decoded, line("java", "Main", "", "да", "")));
    }

    @Test
    void aLineThatEndsInOtherWordsIsNotBelieved() {
        String[] decoded = {"generate", LOST};
        assertArrayEquals(decoded, CommandWords.recovered(decoded, line("java", "inspect", "да")));
        assertArrayEquals(decoded, CommandWords.recovered(decoded, line("да")));
        assertArrayEquals(decoded, CommandWords.recovered(decoded, new byte[0]));
    }

    private static byte[] line(String... words) {
        return (String.join("\0", words) + "\0").getBytes(StandardCharsets.UTF_8);
    }
}
