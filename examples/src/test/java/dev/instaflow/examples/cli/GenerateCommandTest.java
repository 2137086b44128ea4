package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.image.ImageFile;
import dev.instaflow.pipeline.CancelToken;
import dev.instaflow.pipeline.ImageParameters;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.tensor.Npy;
import dev.instaflow.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code generate} with the bundled model, on whatever device this machine has. */
class GenerateCommandTest {
    /** That of core's tests of the same goldens: float32 sums in another order than torch's. */
    private static final double LATENT_TOLERANCE = 5e-5;

    @TempDir Path folder;

    private String at(String name) {
        return folder.resolve(name).toString();
    }

    private static byte[] pixels(Path file) throws IOException {
        return ImageFile.read(file).pixels().toBytes();
    }

    private static ImageParameters parameters(Path file) throws IOException {
        return ImageParameters.fromJson(ImageFile.read(file).text().get(ImageParameters.CHUNK));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void wordsAreJoinedAndThePathIsTheWholeOutput() throws IOException {
        CommandRun run = CommandRun.of("generate", "красное", "сердце", "--out", folder + "/");
        assertEquals(at("красное-сердце-0.png"), run.succeeded());
        assertEquals("", run.err());
        ImageParameters parameters = parameters(folder.resolve("красное-сердце-0.png"));
        assertEquals("красное сердце", parameters.prompt());
        assertEquals(0, parameters.seed());
        assertEquals(1, parameters.steps());
        assertEquals(NoiseSource.TORCH_CPU, parameters.noiseSource());
        // From the card of the bundled model.
        assertEquals(
                "32d0011debdce37be8e60ac901e718870de3f19d9ec332fb350d13d9a0e023f0",
                parameters.stamp().weightsSha256());
        assertFalse(parameters.stamp().version().isEmpty());
    }

    @Test
    void theSameSeedGivesTheSameFile() throws IOException {
        String[] words = {"generate", "красное сердце", "--seed", "-5", "--out"};
        CommandRun.of(with(words, at("a.png"))).succeeded();
        CommandRun.of(with(words, at("b.png"))).succeeded();
        assertArrayEquals(
                Files.readAllBytes(folder.resolve("a.png")),
                Files.readAllBytes(folder.resolve("b.png")));
    }

    @Test
    void lowMemoryMakesTheSameFile() throws IOException {
        String[] words = {"generate", "собака", "--seed", "7", "--out"};
        CommandRun.of(with(words, at("plenty.png"))).succeeded();
        CommandRun.of(with(words, at("little.png"), "--low-memory")).succeeded();
        assertEquals(-1, Files.mismatch(Path.of(at("plenty.png")), Path.of(at("little.png"))));
    }

    @Test
    void goldenNoiseGivesTheGoldenLatents() throws IOException {
        String noise = golden("0_noise.npy");
        CommandRun.of(
                        "generate",
                        "красное сердце",
                        "--noise",
                        noise,
                        "--save-latents",
                        at("latents.npy"),
                        "--out",
                        at("heart.png"))
                .succeeded();
        Npy expected = Npy.read(Path.of(golden("0_latent.npy")));
        Npy actual = Npy.read(folder.resolve("latents.npy"));
        assertEquals(expected.shape(), actual.shape());
        for (int i = 0; i < expected.floats().length; i++) {
            assertEquals(expected.floats()[i], actual.floats()[i], LATENT_TOLERANCE, "at " + i);
        }
        assertEquals(noise, parameters(folder.resolve("heart.png")).inputs().get("noise").path());
    }

    @Test
    void savedLatentsNeverReplaceAFileUnlessAsked() throws IOException {
        Path notes = Files.writeString(folder.resolve("notes.txt"), "mine");
        String[] words = {"generate", "смеется", "--save-latents", notes.toString()};
        CommandRun.of(with(words, "--out", at("a.png")))
                .failed(2, "notes.txt", "exists", "--overwrite");
        assertEquals("mine", Files.readString(notes));
        assertTrue(Files.notExists(folder.resolve("a.png")));
    }

    @Test
    void noiseWithANanIsBadInput() throws IOException {
        float[] values = new float[16 * 64];
        values[7] = Float.NaN;
        Npy.of(Shape.of(1, 16, 8, 8), values).write(folder.resolve("nan.npy"));
        CommandRun.of("generate", "смеется", "--noise", at("nan.npy"))
                .failed(2, "nan.npy", "holds NaN");
    }

    @Test
    void batchMembersEqualSingleRuns() throws IOException {
        String out = at("batch");
        String paths =
                CommandRun.of(
                                "generate",
                                "смеется",
                                "--seed",
                                "7",
                                "--batch",
                                "3",
                                "--out",
                                out,
                                "--save-latents",
                                at("latents.npy"))
                        .succeeded();
        assertEquals(3, paths.lines().count());
        assertEquals(Shape.of(3, 16, 8, 8), Npy.read(folder.resolve("latents.npy")).shape());
        for (String path : paths.lines().toList()) {
            String seed = Long.toString(parameters(Path.of(path)).seed());
            assertTrue(path.endsWith("смеется-" + seed + ".png"), path);
            CommandRun.of("generate", "смеется", "--seed", seed, "--out", at(seed + ".png"))
                    .succeeded();
            assertArrayEquals(pixels(folder.resolve(seed + ".png")), pixels(Path.of(path)));
        }
    }

    @Test
    void noiseOfTwoImagesMakesTwoAndRefusesAnotherNumber() throws IOException {
        String noise = CommandRun.noiseOfTwoImages(folder);
        String[] words = {"generate", "смеется", "--noise", noise, "--out", at("out")};
        assertEquals(2, CommandRun.of(words).succeeded().lines().count());
        CommandRun.of(with(words, "--batch", "3")).failed(2, "--batch 3", "2 images");
    }

    @Test
    void noiseOfAnotherShapeIsBadInput() throws IOException {
        Path noise = folder.resolve("noise.npy");
        Npy.of(Shape.of(1, 4, 8, 8), new float[256]).write(noise);
        CommandRun.of("generate", "смеется", "--noise", noise.toString(), "--out", at("a.png"))
                .failed(2, "[1,4,8,8]", "[1,16,8,8]");
        Npy.of(Shape.of(256), new float[256]).write(noise);
        CommandRun.of("generate", "смеется", "--noise", noise.toString())
                .failed(2, "noise.npy", "[256]");
    }

    @Test
    void imageToImageStaysNearItsStartAsTheStrengthSays() throws IOException {
        Path start = folder.resolve("start.png");
        CommandRun.of("generate", "красное сердце", "--out", start.toString()).succeeded();
        long[] distances = new long[2];
        String[] strengths = {"0.2", "0.9"};
        for (int i = 0; i < 2; i++) {
            Path out = folder.resolve("near" + i + ".png");
            CommandRun.of(
                            "generate",
                            "зеленое сердце",
                            "--init-image",
                            start.toString(),
                            "--strength",
                            strengths[i],
                            "--out",
                            out.toString())
                    .succeeded();
            distances[i] = distance(pixels(start), pixels(out));
            assertEquals(start.toString(), parameters(out).inputs().get("initImage").path());
        }
        assertTrue(distances[0] < distances[1] / 2, Arrays.toString(distances));
    }

    /** Of the visible colours: where alpha is small, colour is rounding made large. */
    private static long distance(byte[] a, byte[] b) {
        long sum = 0;
        for (int i = 0; i < a.length; i++) {
            int alpha = a[i / 4 * 4 + 3] & 0xff;
            sum += (long) alpha * Math.abs((a[i] & 0xff) - (b[i] & 0xff));
        }
        return sum;
    }

    @Test
    void unknownWordsAreWarnedOfInOneLine() {
        CommandRun run = CommandRun.of("generate", "красное самовар", "--out", at("a.png"));
        run.succeeded();
        assertEquals(1, run.err().lines().count(), run.err());
        assertTrue(run.err().startsWith("warning: "), run.err());
        assertTrue(run.err().contains("самовар"), run.err());
        assertFalse(run.err().contains("красное"), run.err());
    }

    @Test
    void cutPromptsAreWarnedOf() {
        CommandRun run = CommandRun.of("generate", "сердце ".repeat(40), "--out", at("a.png"));
        run.succeeded();
        assertTrue(run.err().startsWith("warning: the prompt is too long"), run.err());
    }

    @Test
    void theCardIsObeyedUnlessForced() {
        String[] words = {"generate", "смеется", "--steps", "2", "--out", at("a.png")};
        CommandRun.of(words).failed(2, "emoji-onestep", "1 step", "2");
        CommandRun.of(with(words, "--force")).succeeded();
    }

    @Test
    void timingsGoToStandardError() {
        CommandRun run = CommandRun.of("generate", "смеется", "--timings", "--out", at("a.png"));
        assertEquals(at("a.png"), run.succeeded());
        for (String stage : List.of("load", "text", "denoise", "decode")) {
            assertTrue(run.err().contains(stage + " "), run.err());
        }
    }

    @Test
    void aFileOfAnotherPromptIsNotReplacedUnlessAsked() throws IOException {
        String out = at("mine.png");
        CommandRun.of("generate", "смеется", "--out", out).succeeded();
        CommandRun.of("generate", "смеется", "--seed", "1", "--out", out).succeeded();
        CommandRun.of("generate", "красное сердце", "--out", out)
                .failed(2, "mine.png", "--overwrite");
        assertEquals("смеется", parameters(Path.of(out)).prompt());
        Files.writeString(Path.of(out), "no image at all");
        CommandRun.of("generate", "смеется", "--out", out).failed(2, "mine.png", "--overwrite");
        CommandRun.of("generate", "смеется", "--out", out, "--overwrite").succeeded();
    }

    @Test
    void namesInAFolderAreNumberedWhereAnotherPictureHasThem() throws IOException {
        String[] words = {"generate", "смеется!", "--out", folder.toString()};
        CommandRun.of(words).succeeded();
        CommandRun.of(words).succeeded();
        assertEquals(List.of("смеется-0.png"), files());
        CommandRun.of(with(words, "--noise-source", "java")).succeeded();
        assertEquals(List.of("смеется-0-2.png", "смеется-0.png"), files());
    }

    @Test
    void oneFileForManyImagesIsBadInput() {
        CommandRun.of("generate", "смеется", "--batch", "2", "--out", at("a.png"))
                .failed(2, "a.png", "folder");
    }

    @Test
    void missingFolderForLatentsIsFoundOutFirst() throws IOException {
        CommandRun.of(
                        "generate",
                        "смеется",
                        "--out",
                        at("a.png"),
                        "--save-latents",
                        at("none/latents.npy"))
                .failed(2, "latents.npy", "folder");
        assertEquals(List.of(), files());
    }

    @Test
    void aCancelledRunFailsInOneLineAndWritesNothing() throws IOException {
        CancelToken interrupt = new CancelToken();
        interrupt.cancel();
        CommandRun.with(interrupt, "generate", "смеется", "--out", at("a.png"))
                .failed(1, "cancelled");
        assertEquals(List.of(), files());
    }

    private String golden(String name) throws IOException {
        Path file = folder.resolve(name);
        try (InputStream in = GenerateCommandTest.class.getResourceAsStream("/golden/" + name)) {
            Files.copy(in, file);
        }
        return file.toString();
    }

    private static String[] with(String[] words, String... more) {
        return Stream.concat(Arrays.stream(words), Arrays.stream(more)).toArray(String[]::new);
    }
}
