package dev.instaflow.pipeline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.Device;
import dev.instaflow.image.Pixels;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.model.TinyModel;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a memory mode changes, which is how much memory is held and when, and what not: the images. */
class MemoryModeTest {
    private static final GenerationRequest REQUEST =
            GenerationRequest.of("a cat").withSize(128, 128).withSteps(2).withGuidance(1);

    @TempDir static Path folder;

    private static ModelSource source(Path model) {
        try {
            Path yaml = Path.of(MemoryModeTest.class.getResource("/golden/tiny.yaml").toURI());
            return ModelSource.of(model)
                    .withCard(ModelCard.twoRectifiedFlow())
                    .withConfig(ModelConfig.ofYaml(yaml));
        } catch (URISyntaxException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static EngineSettings settings(MemoryMode mode) {
        return EngineSettings.on(Device.cpu()).withMemory(mode);
    }

    private static TextToImage open(MemoryMode mode) throws IOException {
        return TextToImage.open(source(TinyModel.FILE), settings(mode));
    }

    private static InitImage init() {
        byte[] rgb = new byte[64 * 64 * 3];
        for (int i = 0; i < rgb.length; i++) {
            rgb[i] = (byte) (i * 7);
        }
        return InitImage.of(Pixels.of(64, 64, rgb), 0.6);
    }

    private static InitImage halfMasked() {
        byte[] rgb = new byte[64 * 64 * 3];
        for (int i = 0; i < rgb.length; i++) {
            rgb[i] = (byte) (i / 3 % 64 >= 32 ? 255 : 0);
        }
        return init().withMask(Pixels.of(64, 64, rgb));
    }

    static Stream<GenerationRequest> requests() {
        return Stream.of(
                REQUEST,
                REQUEST.withCount(3).withGuidance(1.5).withNegativePrompt("a dog"),
                REQUEST.withInitImage(init()),
                REQUEST.withInitImage(halfMasked()).withCount(2));
    }

    private static List<byte[]> pixels(TextToImage engine, GenerationRequest request) {
        return engine.generate(request).stream().map(image -> image.pixels().toBytes()).toList();
    }

    private static void assertSame(List<byte[]> expected, List<byte[]> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), actual.get(i), "image " + i);
        }
    }

    @ParameterizedTest
    @MethodSource("requests")
    void everyModeMakesTheSameImagesAgainAndAgain(GenerationRequest request) throws IOException {
        List<byte[]> expected;
        try (TextToImage resident = open(MemoryMode.RESIDENT)) {
            expected = pixels(resident, request);
        }
        for (MemoryMode mode : MemoryMode.values()) {
            try (TextToImage engine = open(mode)) {
                assertSame(expected, pixels(engine, request));
                assertSame(expected, pixels(engine, request));
            }
        }
    }

    /** What is held after each block, by stage, and after the request. */
    private record Held(Map<Progress.Stage, Long> byStage, long afterwards) {
        static Held of(MemoryMode mode, Function<GenerationRequest, GenerationRequest> change)
                throws IOException {
            Backend backend = Device.cpu().open(mode.weights());
            LoadedModel model = source(TinyModel.FILE).load(backend, settings(mode));
            try (TextToImage engine = new TextToImage(backend, model, settings(mode))) {
                Map<Progress.Stage, Long> most = new EnumMap<>(Progress.Stage.class);
                engine.generate(
                        change.apply(REQUEST),
                        RunControl.watchedBy(
                                p -> most.merge(p.stage(), backend.heldBytes(), Math::max)));
                return new Held(most, backend.heldBytes());
            }
        }
    }

    @Test
    void byStageHoldsOneNetworkAtATime() throws IOException {
        long all = 4 * parameters("");
        Held resident = Held.of(MemoryMode.RESIDENT, request -> request);
        Held byStage = Held.of(MemoryMode.BY_STAGE, request -> request);
        long encoder = parameters("first_stage_model.encoder.") * 4;
        assertTrue(resident.afterwards() >= all - encoder - 1024, resident.toString());
        for (Progress.Stage stage : byStage.byStage().keySet()) {
            long saved = resident.byStage().get(stage) - byStage.byStage().get(stage);
            long others =
                    switch (stage) {
                        case TEXT -> parameters("model.diffusion_model.");
                        case ENCODE, DECODE -> parameters("cond_stage_model.");
                        case DENOISE -> parameters("first_stage_model.decoder.");
                    };
            assertTrue(saved >= 4 * others, stage + ": " + resident + " " + byStage);
        }
        assertTrue(resident.afterwards() - byStage.afterwards() >= all - encoder - 1024);
        assertTrue(byStage.afterwards() < 1 << 20, byStage.toString());
    }

    @Test
    void compactHoldsHalvesAsHalves() throws IOException {
        Held byStage = Held.of(MemoryMode.BY_STAGE, request -> request);
        Held compact = Held.of(MemoryMode.COMPACT, request -> request);
        long unet = parameters("model.diffusion_model.");
        long saved =
                byStage.byStage().get(Progress.Stage.DENOISE)
                        - compact.byStage().get(Progress.Stage.DENOISE);
        // Two of four bytes, but for norms, biases and what one weight takes while it is used.
        assertTrue(saved >= unet, byStage + " " + compact);
    }

    @Test
    void theEncoderIsLoadedWithTheFirstInitImage() throws IOException {
        long encoder = parameters("first_stage_model.encoder.") * 4;
        Held without = Held.of(MemoryMode.RESIDENT, request -> request);
        Held with = Held.of(MemoryMode.RESIDENT, request -> request.withInitImage(init()));
        assertTrue(with.afterwards() - without.afterwards() >= encoder, with + " " + without);
    }

    private static long parameters(String prefix) throws IOException {
        try (var checkpoint = TinyModel.open()) {
            return checkpoint.entries().stream()
                    .filter(e -> e.name().startsWith(prefix) && e.dtype().isFloat())
                    .mapToLong(e -> e.count())
                    .sum();
        }
    }

    @ParameterizedTest
    @EnumSource(Progress.Stage.class)
    void aCancelledRequestFreesItsStageAndTheNextOneWorks(Progress.Stage stage) throws IOException {
        GenerationRequest request = REQUEST.withInitImage(init());
        try (TextToImage engine = open(MemoryMode.BY_STAGE)) {
            List<byte[]> expected = pixels(engine, request);
            CancelToken token = new CancelToken();
            RunControl control =
                    new RunControl(
                            progress -> {
                                if (progress.stage() == stage) {
                                    token.cancel();
                                }
                            },
                            token);
            assertThrows(CancellationException.class, () -> engine.generate(request, control));
            assertSame(expected, pixels(engine, request));
        }
    }

    @Test
    void requestsOfSeveralThreadsTakeTurns() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try (TextToImage engine = open(MemoryMode.BY_STAGE)) {
            List<byte[]> expected = pixels(engine, REQUEST);
            List<Future<List<byte[]>>> results = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                results.add(threads.submit(() -> pixels(engine, REQUEST)));
            }
            for (Future<List<byte[]>> result : results) {
                assertSame(expected, result.get());
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aFileThatShrankIsNamedAndNothingStaysBehind() throws IOException {
        Path copy = Files.copy(TinyModel.FILE, folder.resolve("shrinking.ckpt"));
        try (TextToImage engine = TextToImage.open(source(copy), settings(MemoryMode.BY_STAGE))) {
            engine.generate(REQUEST);
            try (RandomAccessFile file = new RandomAccessFile(copy.toFile(), "rw")) {
                file.setLength(file.length() / 2);
            }
            String message =
                    assertThrows(UncheckedIOException.class, () -> engine.generate(REQUEST))
                            .getMessage();
            assertTrue(message.contains("shrinking.ckpt"), message);
        }
    }

    @Test
    void aClosedEngineLoadsNothing() throws IOException {
        TextToImage engine = open(MemoryMode.BY_STAGE);
        engine.close();
        engine.close();
        assertThrows(IllegalStateException.class, () -> engine.generate(REQUEST));
    }
}
