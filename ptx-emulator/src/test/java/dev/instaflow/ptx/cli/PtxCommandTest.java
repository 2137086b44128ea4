package dev.instaflow.ptx.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.ptx.PtxTexts;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PtxCommandTest {
    @TempDir Path folder;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private Path file;

    @BeforeEach
    void writeKernels() throws IOException {
        file = Files.writeString(folder.resolve("k_basic.ptx"), PtxTexts.read("k_basic.ptx"));
    }

    @Test
    void cleanLaunchPrintsCountersAndResults() {
        int status =
                run(
                        "--entry vadd --grid 8 --block 128 --arg f32[1000]:iota --arg f32[1000]:one --arg f32[1000] --arg i32:1000");
        assertEquals(0, status, text());
        assertTrue(text().contains("F32_BUFFER: 1.0 2.0 3.0 4.0"), text());
        assertTrue(
                text().contains("global stores: 125 sectors, 125 if packed, 4000 distinct bytes"),
                text());
        assertTrue(text().contains("lines executed: 100.0%"), text());
        assertTrue(text().endsWith("clean" + System.lineSeparator()), text());
    }

    @Test
    void findingsAreListedAndMakeTheStatusOne() {
        int status =
                run(
                        "--entry vadd --block 64 --arg f32[64]:iota --arg f32[64] --arg f32[64] --arg i32:65");
        assertEquals(1, status, text());
        assertTrue(text().contains("UNINITIALISED_READ (64 times)"), text());
    }

    @Test
    void fastLaunchPrintsResultsWithoutCounters() {
        int status =
                run(
                        "--entry vadd --grid 8 --block 128 --fast 2 --approximate worst --arg f32[1000]:iota --arg f32[1000]:one --arg f32[1000] --arg i32:1000");
        assertEquals(0, status, text());
        assertTrue(text().contains("F32_BUFFER: 1.0 2.0 3.0 4.0"), text());
        assertFalse(text().contains("sectors"), text());
    }

    @Test
    void whatIsNotUnderstoodIsNamed() {
        assertEquals(2, run("--entry nothing"));
        assertTrue(text().contains("'nothing' is none of"), text());
        assertEquals(2, run("--entry vadd --arg f33:1"));
        assertTrue(text().contains("--arg f33:1"), text());
        assertEquals(2, run("--entry vadd --approximate best"));
        assertTrue(text().contains("expected nearest or worst"), text());
        assertEquals(2, run("--blocks 3"));
        assertTrue(text().contains("unknown option --blocks"), text());
        assertEquals(2, run("--entry vadd --arg i32:1"));
        assertTrue(text().contains("argument 0 has 4 bytes"), text());
    }

    private int run(String options) {
        List<String> words =
                Stream.concat(Stream.of("run", file.toString()), Stream.of(options.split(" ")))
                        .toList();
        PrintStream printed = new PrintStream(out, true, StandardCharsets.UTF_8);
        return PtxCommand.run(words, printed, printed);
    }

    private String text() {
        return out.toString(StandardCharsets.UTF_8);
    }
}
