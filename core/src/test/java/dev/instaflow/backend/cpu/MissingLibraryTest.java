package dev.instaflow.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.BackendUnavailableException;
import dev.instaflow.backend.Device;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process without oneDNN's native jar, as on a platform that the build has no natives for. */
class MissingLibraryTest {
    /** Runs in the other process. */
    public static final class Main {
        private Main() {}

        public static void main(String[] args) {
            try {
                Device.auto();
                System.out.println("unexpected: auto found a device");
            } catch (BackendUnavailableException e) {
                System.out.println(e.getMessage());
            }
            try (Backend backend = Device.reference().open()) {
                System.out.println("then: " + backend.description());
            }
        }
    }

    @TempDir private Path cache;

    @Test
    void autoSaysWhatIsMissingAndTheReferenceStillRuns() throws IOException, InterruptedException {
        String classPath =
                Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> !entry.matches(".*dnnl-[^/]*-(linux|windows|macosx)-.*"))
                        .collect(Collectors.joining(File.pathSeparator));
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        Process process =
                new ProcessBuilder(
                                java.toString(),
                                "-Dorg.bytedeco.javacpp.cachedir=" + cache,
                                "-cp",
                                classPath,
                                Main.class.getName())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.contains("no device: cuda: ") && output.contains("; cpu: "), output);
        assertTrue(output.contains("-Djavacpp.platform="), output);
        assertTrue(output.contains("UnsatisfiedLinkError"), output);
        assertTrue(output.contains("then: reference"), output);
    }
}
