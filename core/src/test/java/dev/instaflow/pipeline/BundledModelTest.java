package dev.instaflow.pipeline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.backend.Device;
import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import dev.instaflow.nn.NonFiniteException;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.tensor.Npy;
import dev.instaflow.tensor.TensorAssert;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bundled model from a prompt to a PNG, against what torch computed from the same file. */
class BundledModelTest {
    /**
     * One UNet forward of the oracle's tiny model is advised 5e-5; this one is of the same depth and its
     * values of the same size.
     */
    private static final double LATENT_TOLERANCE = 5e-5;

    private static final String HEART = "красное сердце";

    @TempDir static Path folder;
    private static TextToImage engine;

    @BeforeAll
    static void open() throws IOException {
        engine =
                TextToImage.open(
                        ModelSource.bundled(), EngineSettings.defaults().withDevice(Device.cpu()));
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    private record Golden(String caption, Latents noise, float[] latent, Pixels pixels) {}

    private static List<Golden> goldens() throws IOException {
        JsonNode items;
        try (InputStream in = resource("golden.json")) {
            items = new ObjectMapper().readTree(in).get("items");
        }
        List<Golden> goldens = new ArrayList<>();
        for (JsonNode item : items) {
            int i = item.get("i").asInt();
            goldens.add(
                    new Golden(
                            item.get("caption").asText(),
                            Latents.of(Npy.read(file(i + "_noise.npy"))),
                            Npy.read(file(i + "_latent.npy")).floats(),
                            ImageFile.read(file(i + "_rgba.png")).pixels()));
        }
        return goldens;
    }

    private static InputStream resource(String name) {
        return BundledModelTest.class.getResourceAsStream("/golden/" + name);
    }

    private static Path file(String name) throws IOException {
        Path target = folder.resolve(name);
        if (!Files.exists(target)) {
            try (InputStream in = resource(name)) {
                Files.copy(in, target);
            }
        }
        return target;
    }

    private static GeneratedImage one(GenerationRequest request) {
        return engine.generate(request).get(0);
    }

    @Test
    void imagesEqualTheGoldensFromGivenNoise() throws IOException {
        for (Golden golden : goldens()) {
            GenerationRequest request =
                    GenerationRequest.of(golden.caption()).withNoise(golden.noise());
            GeneratedImage image = one(request);
            TensorAssert.close(
                    golden.caption(), image.latents().values(), golden.latent(), LATENT_TOLERANCE);
            assertPixelsWithinOne(golden.caption(), image.pixels(), golden.pixels());
        }
    }

    /** Where alpha is tiny, dividing by it turns rounding into colour: only visible colour counts. */
    private static void assertPixelsWithinOne(String what, Pixels actual, Pixels expected) {
        assertEquals(4, actual.channels());
        byte[] a = actual.toBytes();
        byte[] e = expected.toBytes();
        assertEquals(e.length, a.length);
        for (int i = 0; i < e.length; i++) {
            int alpha = e[i / 4 * 4 + 3] & 0xff;
            int difference = Math.abs((a[i] & 0xff) - (e[i] & 0xff));
            boolean isAlpha = i % 4 == 3;
            int visible = isAlpha ? difference : (difference * alpha + 254) / 255;
            assertTrue(visible <= 1, what + " at " + i + ": " + a[i] + " for " + e[i]);
        }
    }

    @Test
    void theBorderIsTransparentAndTheSubjectOpaque() {
        Pixels pixels = one(GenerationRequest.of(HEART)).pixels();
        byte[] rgba = pixels.toBytes();
        for (int i = 0; i < 64; i++) {
            assertTrue((rgba[i * 4 + 3] & 0xff) < 16, "top border at " + i);
            assertTrue((rgba[i * 64 * 4 + 3] & 0xff) < 16, "left border at " + i);
        }
        int centre = (32 * 64 + 32) * 4;
        assertTrue((rgba[centre + 3] & 0xff) > 250);
        assertTrue((rgba[centre] & 0xff) > 150 && (rgba[centre + 1] & 0xff) < 110, "red");
    }

    @Test
    void theSameSeedGivesTheSameBitsAndAnotherSeedOthers() {
        GenerationRequest request = GenerationRequest.of(HEART).withSeed(5);
        assertArrayEquals(one(request).latents().values(), one(request).latents().values());
        float[] other = one(request.withSeed(6)).latents().values();
        assertTrue(!Arrays.equals(one(request).latents().values(), other));
        float[] java = one(request.withNoiseSource(NoiseSource.JAVA)).latents().values();
        assertTrue(!Arrays.equals(one(request).latents().values(), java));
    }

    @Test
    void anImageDoesNotDependOnItsBatchMates() {
        GenerationRequest request = GenerationRequest.of(HEART).withSeed(10).withCount(5);
        List<GeneratedImage> batch = engine.generate(request);
        for (int i = 0; i < 5; i++) {
            GeneratedImage alone = one(request.withCount(1).withSeed(10 + i));
            assertArrayEquals(
                    alone.pixels().toBytes(), batch.get(i).pixels().toBytes(), "image " + i);
        }
    }

    @Test
    void threadsShareOneEngineAndGetTheSameBits() throws Exception {
        GenerationRequest request = GenerationRequest.of("собака").withSeed(3);
        byte[] expected = one(request).pixels().toBytes();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            Callable<byte[]> task = () -> one(request).pixels().toBytes();
            List<Future<byte[]>> results = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                results.add(threads.submit(task));
            }
            for (Future<byte[]> result : results) {
                assertArrayEquals(expected, result.get());
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void contradictingRequestsAreRefusedUnlessForced() {
        GenerationRequest steps = GenerationRequest.of(HEART).withSteps(4);
        String message = refusal(steps);
        assertTrue(message.contains("was made for 1 step, the request has 4"), message);
        message = refusal(GenerationRequest.of(HEART).withGuidance(1.5));
        assertTrue(message.contains("without guidance"), message);
        message = refusal(GenerationRequest.of(HEART).withNegativePrompt("x"));
        assertTrue(message.contains("negative prompt"), message);
        message = refusal(GenerationRequest.of(HEART).withSampler(SamplerKind.RK45));
        assertTrue(message.contains("sampler rk45 asks it about times between"), message);
        GeneratedImage forced =
                one(steps.withGuidance(1.5).withCardPolicy(GenerationRequest.CardPolicy.OVERRIDE));
        assertEquals(4, forced.parameters().steps());
    }

    @Test
    void impossibleRequestsAreRefusedEvenIfForced() {
        GenerationRequest request =
                GenerationRequest.of(HEART).withCardPolicy(GenerationRequest.CardPolicy.OVERRIDE);
        assertTrue(refusal(request.withSize(60, 64)).contains("multiple of 8"));
        assertTrue(refusal(request.withSampler(SamplerKind.DDIM)).contains("ddim"));
        Latents wrong = new Latents(1, 4, 8, 8, new float[256]);
        assertTrue(refusal(request.withNoise(wrong)).contains("[1,16,8,8]"));
        assertThrows(IllegalArgumentException.class, () -> request.withSteps(0));
        assertThrows(IllegalArgumentException.class, () -> request.withCount(0));
    }

    private static String refusal(GenerationRequest request) {
        return assertThrows(IllegalArgumentException.class, () -> engine.generate(request))
                .getMessage();
    }

    @Test
    void aFourStepGuidedRunEqualsItsGolden() throws IOException {
        for (int i = 0; i < 6; i++) {
            Golden golden = goldens().get(i);
            GenerationRequest request =
                    GenerationRequest.of(golden.caption())
                            .withNoise(golden.noise())
                            .withSteps(4)
                            .withGuidance(1.5)
                            .withCardPolicy(GenerationRequest.CardPolicy.OVERRIDE);
            float[] expected = Npy.read(file(i + "_latent_4step_cfg1.5.npy")).floats();
            TensorAssert.close(
                    golden.caption(),
                    one(request).latents().values(),
                    expected,
                    4 * LATENT_TOLERANCE); // four forwards of two samples each
        }
    }

    @Test
    void aNanIsAnErrorThatNamesItsBlockNeverABlackImage() {
        float[] values = new float[16 * 64];
        values[5] = Float.NaN;
        GenerationRequest request =
                GenerationRequest.of(HEART).withNoise(new Latents(1, 16, 8, 8, values));
        String message =
                assertThrows(NonFiniteException.class, () -> engine.generate(request)).getMessage();
        assertTrue(message.startsWith("unet.input_blocks.0: "), message);
        assertTrue(message.contains("NaN"), message);
    }

    @Test
    void otherSizesWork() {
        Pixels wide = one(GenerationRequest.of(HEART).withSize(96, 48)).pixels();
        assertEquals(96, wide.width());
        assertEquals(48, wide.height());
    }

    @Test
    void cancellingStopsAtABlockAndTheEngineGoesOn() {
        List<String> blocks = new ArrayList<>();
        CancelToken token = new CancelToken();
        RunControl control =
                new RunControl(
                        progress -> {
                            blocks.add(progress.block());
                            if (progress.stage() == Progress.Stage.DENOISE) {
                                token.cancel();
                            }
                        },
                        token);
        GenerationRequest request = GenerationRequest.of(HEART);
        byte[] before = one(request).pixels().toBytes();
        assertThrows(CancellationException.class, () -> engine.generate(request, control));
        assertEquals("unet.input_blocks.0", blocks.get(blocks.size() - 1));
        assertArrayEquals(before, one(request).pixels().toBytes());
    }

    @Test
    void progressNeverFallsWithinAStageAndEndsAtOne() {
        List<Progress> seen = new ArrayList<>();
        engine.generate(GenerationRequest.of(HEART).withCount(3), RunControl.watchedBy(seen::add));
        for (int i = 1; i < seen.size(); i++) {
            Progress a = seen.get(i - 1);
            Progress b = seen.get(i);
            assertTrue(a.stage() != b.stage() || a.fraction() <= b.fraction(), a + " " + b);
            if (a.stage() != b.stage()) {
                assertEquals(1, a.fraction(), 1e-9, a.toString());
            }
        }
        assertEquals(1, seen.get(seen.size() - 1).fraction(), 1e-9);
        assertEquals(Progress.Stage.DECODE, seen.get(seen.size() - 1).stage());
    }

    @Test
    void imageToImageStaysNearItsStart() throws IOException {
        Pixels dog = one(GenerationRequest.of("собака")).pixels();
        GenerationRequest request = GenerationRequest.of(HEART);
        double little = distance(dog, one(request.withInitImage(InitImage.of(dog, 0.05))).pixels());
        double much = distance(dog, one(request.withInitImage(InitImage.of(dog, 0.9))).pixels());
        assertTrue(little < much / 2, little + " " + much);
    }

    @Test
    void inpaintingKeepsWhatIsBlackInTheMask() {
        Pixels dog = one(GenerationRequest.of("собака")).pixels();
        byte[] half = new byte[64 * 64 * 3];
        for (int i = 0; i < half.length; i++) {
            half[i] = (byte) (i / 3 % 64 >= 32 ? 255 : 0);
        }
        InitImage start = InitImage.of(dog, 1).withMask(Pixels.of(64, 64, half));
        Pixels mixed = one(GenerationRequest.of(HEART).withInitImage(start)).pixels();
        // Whole latent pixels of 8x8 away from the seam.
        assertTrue(distance(dog, mixed, 0, 16) < distance(dog, mixed, 48, 64) / 2);
    }

    private static double distance(Pixels a, Pixels b) {
        return distance(a, b, 0, a.width());
    }

    private static double distance(Pixels a, Pixels b, int fromColumn, int toColumn) {
        byte[] x = a.toBytes();
        byte[] y = b.toBytes();
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            int column = i / 4 % a.width();
            if (column >= fromColumn && column < toColumn) {
                sum += Math.abs((x[i] & 0xff) - (y[i] & 0xff));
            }
        }
        return sum / x.length;
    }

    @Test
    void thePngMakesTheSamePixelsAgain() throws IOException {
        GeneratedImage image = one(GenerationRequest.of(HEART).withSeed(-77));
        Path png = folder.resolve("out/heart.png");
        image.writePng(png);
        ImageFile read = ImageFile.read(png);
        ImageParameters parameters =
                ImageParameters.fromJson(read.text().get(ImageParameters.CHUNK));
        assertEquals(image.parameters(), parameters);
        assertEquals(Map.of(), parameters.inputs());
        assertEquals(64, parameters.stamp().weightsSha256().length());
        byte[] again = one(parameters.toRequest()).pixels().toBytes();
        assertArrayEquals(read.pixels().toBytes(), again);
    }

    @Test
    void promptsWithUnknownWordsAreNoted() {
        assertEquals(List.of(), engine.notesOn(HEART).lines());
        assertEquals(List.of("САМОВАР"), engine.notesOn("красное, САМОВАР!").unknownWords());
        String tooLong = "собака ".repeat(30).strip();
        assertTrue(engine.notesOn(tooLong).lostText().endsWith("собака"));
        assertEquals(254, engine.captions().size());
    }
}
