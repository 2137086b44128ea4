package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The jar as a user runs it, in a process of its own; needs the phase {@code package} to be over.
 */
@EnabledIfSystemProperty(
        named = "instaflow.jar",
        matches = ".+",
        disabledReason = "runs in the phase integration-test, once the jar is there")
class RunnableJarTest {
    private static final Path JAR = Path.of(System.getProperty("instaflow.jar"));
    private static final long PATIENCE_SECONDS = 120;

    @TempDir Path folder;

    private record Outcome(int exitCode, String out, String err) {}

    private Outcome run(List<String> javaWords, String locale)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(javaWords);
        Path out = folder.resolve("out.txt");
        Path err = folder.resolve("err.txt");
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .directory(folder.toFile())
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile());
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        builder.environment().put("LC_ALL", locale);
        Process process = builder.start();
        process.getOutputStream().close();
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(command + " still runs after " + PATIENCE_SECONDS + " s");
        }
        return new Outcome(
                process.exitValue(),
                Files.readString(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }

    private Outcome jar(String... words) throws IOException, InterruptedException {
        return run(
                Stream.concat(Stream.of("-jar", JAR.toString()), Stream.of(words)).toList(),
                "C.UTF-8");
    }

    @Test
    void aRussianPromptBecomesARedHeartThatCanBeMadeAgain()
            throws IOException, InterruptedException {
        Outcome made = jar("generate", "красное", "сердце", "--out", "heart.png");
        assertEquals(0, made.exitCode(), made.err());
        assertEquals("heart.png", made.out().strip());
        Pixels pixels = ImageFile.read(folder.resolve("heart.png")).pixels();
        byte[] rgba = pixels.toBytes();
        int centre = (32 * 64 + 32) * 4;
        assertTrue((rgba[centre] & 0xff) > 150 && (rgba[centre + 1] & 0xff) < 110, "not red");
        assertEquals(0xff, rgba[centre + 3] & 0xff, "not opaque in the middle");
        assertTrue((rgba[3] & 0xff) < 16, "not transparent in the corner");
        Outcome again = jar("regenerate", "heart.png");
        assertEquals(0, again.exitCode(), again.err());
        assertEquals("heart-again.png", again.out().strip());
        assertArrayEquals(
                rgba, ImageFile.read(folder.resolve("heart-again.png")).pixels().toBytes());
    }

    @Test
    void aRussianPromptSurvivesALocaleWithoutRussian() throws IOException, InterruptedException {
        Outcome made =
                run(
                        List.of(
                                "-jar",
                                JAR.toString(),
                                "tokenize",
                                "--tokenizer",
                                "emoji",
                                "сердце"),
                        "C");
        assertEquals(0, made.exitCode(), made.err());
        assertTrue(made.out().contains("\tсердце"), made.out());
    }

    @Test
    void exitCodesReachTheShell() throws IOException, InterruptedException {
        assertEquals(0, jar("--version").exitCode());
        assertEquals(1, jar("generate", "x", "--device", "cuda:99").exitCode());
        Outcome usage = jar("generate");
        assertEquals(2, usage.exitCode());
        assertEquals(1, usage.err().lines().count(), usage.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"OneStep", "ImageToImage", "BatchWithSeeds", "ProgressAndCancel"})
    void examplesSayWhatTheyWrote(String name) throws IOException, InterruptedException {
        Outcome outcome =
                run(List.of("-cp", JAR.toString(), "dev.instaflow.examples." + name), "C.UTF-8");
        assertEquals(0, outcome.exitCode(), outcome.err());
        String last = outcome.out().lines().reduce((a, b) -> b).orElseThrow();
        assertEquals(64, ImageFile.read(Path.of(last)).pixels().width());
    }

    @Test
    void guidedExampleAsksForAModel() throws IOException, InterruptedException {
        Outcome outcome =
                run(
                        List.of(
                                "-cp",
                                JAR.toString(),
                                "dev.instaflow.examples.FewStepsWithGuidance"),
                        "C.UTF-8");
        assertEquals(2, outcome.exitCode());
        assertTrue(outcome.err().contains("MODEL"), outcome.err());
    }

    @Test
    void licencesVersionAndNativeAccessAreInTheJar() throws IOException {
        try (JarFile jar = new JarFile(JAR.toFile())) {
            for (String entry :
                    List.of(
                            "META-INF/LICENSE",
                            "META-INF/NOTICE",
                            "META-INF/licenses/Unicode-3.0.txt")) {
                assertTrue(jar.getEntry(entry) != null, entry);
            }
            assertEquals(
                    "ALL-UNNAMED",
                    jar.getManifest().getMainAttributes().getValue("Enable-Native-Access"));
            assertTrue(
                    jar.stream()
                            .map(entry -> entry.getName())
                            .noneMatch(name -> name.endsWith(".dll") || name.endsWith(".dylib")),
                    "natives of other platforms");
        }
    }
}
