package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.pipeline.CancelToken;
import dev.instaflow.tensor.Npy;
import dev.instaflow.tensor.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What one command left behind, run in this process. */
record CommandRun(int exitCode, String out, String err) {
    static CommandRun of(String... words) {
        return with(new CancelToken(), words);
    }

    static CommandRun with(CancelToken interrupt, String... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Terminal terminal =
                new Terminal(
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        false,
                        interrupt);
        int exitCode = CommandLineApp.run(terminal, words);
        return new CommandRun(
                exitCode,
                out.toString(StandardCharsets.UTF_8),
                err.toString(StandardCharsets.UTF_8));
    }

    /** Returns standard output without the last line break. */
    String succeeded() {
        assertEquals(0, exitCode, err + out);
        return out.stripTrailing();
    }

    /**
     * Asserts one line on standard error that holds all of the words, and nothing on standard
     * output.
     */
    void failed(int expectedExitCode, String... words) {
        assertEquals(expectedExitCode, exitCode, err + out);
        assertEquals("", out);
        assertEquals(1, err.lines().count(), err);
        for (String word : words) {
            assertTrue(err.contains(word), "\"" + word + "\" is not in: " + err);
        }
    }

    /** Writes numbers of about unit variance as noise for two images of the bundled model. */
    static String noiseOfTwoImages(Path folder) throws IOException {
        float[] values = new float[2 * 16 * 8 * 8];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i * 37 % 101 - 50) / 30f;
        }
        Path file = folder.resolve("noise.npy");
        Npy.of(Shape.of(2, 16, 8, 8), values).write(file);
        return file.toString();
    }

    /** The configuration of {@code tiny-fp16.ckpt}, a fixture of the module core. */
    static Path tinyYaml() {
        return Path.of("../core/src/test/resources/golden/tiny.yaml");
    }

    /** A fixture of the module checkpoint-loader: tests run in the folder of their module. */
    static Path fixture(String name) {
        Path file = Path.of("../checkpoint-loader/src/test/resources", name);
        assertTrue(Files.exists(file), "no fixture " + file.toAbsolutePath());
        return file;
    }
}
