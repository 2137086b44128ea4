package dev.instaflow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every malformed or hostile file of the oracle is treated as its manifest says. */
class HostileFilesTest {
    /** The manifest allows 5 s; a second is generous for files of a few kilobytes. */
    private static final Duration LONGEST = Duration.ofSeconds(1);

    static Stream<String> files() throws IOException {
        return Fixtures.fileNames("hostile/manifest.json");
    }

    @Test
    void everyFileOfTheOracleIsHere() throws IOException {
        assertEquals(121, files().count());
    }

    @Test
    void theHeapIsWhatTheManifestAllows() {
        long mebibytes = Runtime.getRuntime().maxMemory() >> 20;
        assertTrue(mebibytes <= 256, "run with -Xmx256m, not " + mebibytes);
    }

    @AfterEach
    void nothingWasRun() {
        assertFalse(Files.exists(Path.of("PWNED")));
    }

    @ParameterizedTest
    @MethodSource("files")
    void isTreatedAsTheManifestSays(String name) throws IOException {
        JsonNode expected = Fixtures.caseOf("hostile/manifest.json", name);
        Path path = Fixtures.path("hostile/" + name);
        Optional<CheckpointFormatException> error =
                assertTimeout(LONGEST, () -> openAndReadAll(path));
        String expect = expected.get("expect").asText();
        if (expect.equals("reject")) {
            assertTrue(error.isPresent(), "was accepted");
        }
        if (expect.startsWith("load_ok")) {
            assertTrue(error.isEmpty(), () -> "was refused: " + error.get().getMessage());
        }
        error.ifPresent(e -> assertClear(e, name, expected.get("error_should_mention").asText()));
    }

    private static Optional<CheckpointFormatException> openAndReadAll(Path path)
            throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            checkpoint.verify();
            for (Entry entry : checkpoint.entries()) {
                Checkpoints.readAll(entry);
            }
            return Optional.empty();
        } catch (CheckpointFormatException e) {
            return Optional.of(e);
        }
    }

    private static void assertClear(CheckpointFormatException error, String file, String mention) {
        String message = error.getMessage();
        String lower = message.toLowerCase(Locale.ROOT);
        assertTrue(message.contains(file), () -> "does not name the file: " + message);
        assertTrue(
                lower.contains(mention.toLowerCase(Locale.ROOT)),
                () -> "does not mention " + mention + ": " + message);
        assertTrue(message.chars().noneMatch(Character::isISOControl), message);
        assertTrue(message.length() < 1000, message);
    }
}
