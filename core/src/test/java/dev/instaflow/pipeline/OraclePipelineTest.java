package dev.instaflow.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.instaflow.backend.Device;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.model.TinyModel;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.tensor.Npy;
import dev.instaflow.tensor.TensorAssert;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whole runs from prompt and noise to 8-bit pixels, against those of the original pipelines: tokenizer, text
 * encoder, guidance, sampler, decoder and rounding together.
 */
class OraclePipelineTest {
    /** The oracle's advice for rectified flows, whose latents are about 4 large. */
    private static final double FLOW_TOLERANCE = 5e-5;

    /** The oracle's advice for samplers of several steps, times the largest latent of the case. */
    private static final double SAMPLER_TOLERANCE = 5e-5;

    @TempDir Path folder;

    private Npy npy(String name) throws IOException {
        Path file = folder.resolve("x.npy");
        try (InputStream in = getClass().getResourceAsStream("/golden/" + name + ".npy")) {
            Files.write(file, in.readAllBytes());
        }
        return Npy.read(file);
    }

    private JsonNode settings(String name) throws IOException {
        try (InputStream in = getClass().getResourceAsStream("/golden/" + name + "/case.json")) {
            return JsonMapper.builder()
                    .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                    .build()
                    .readTree(in);
        }
    }

    private TextToImage open(ModelCard card) throws Exception {
        Path yaml = Path.of(getClass().getResource("/golden/tiny.yaml").toURI());
        return TextToImage.open(
                ModelSource.of(TinyModel.FILE).withCard(card).withConfig(ModelConfig.ofYaml(yaml)),
                EngineSettings.defaults().withDevice(Device.cpu()));
    }

    @ParameterizedTest
    @CsvSource({
        "sample_ddim, ddim",
        "sample_plms, plms",
        "sample_euler_linspace, euler",
        "sample_dpmpp2m_linspace, dpmpp-2m"
    })
    void stableDiffusionFromPromptToPixels(String name, String sampler) throws Exception {
        JsonNode settings = settings(name);
        GenerationRequest request =
                GenerationRequest.of(settings.get("prompt").asText())
                        .withNegativePrompt(settings.get("negative_prompt").asText())
                        .withSampler(SamplerKind.of(sampler))
                        .withSteps(settings.get("steps").asInt())
                        .withGuidance(settings.get("guidance_scale").asDouble())
                        .withSize(128, 128)
                        .withNoise(Latents.of(npy(name + "/noise")));
        try (TextToImage engine = open(ModelCard.stableDiffusion15())) {
            GeneratedImage image = engine.generate(request).get(0);
            float[] expected = npy(name + "/latents").floats();
            float scale = 0;
            for (float value : expected) {
                scale = Math.max(scale, Math.abs(value));
            }
            double tolerance = SAMPLER_TOLERANCE * scale;
            TensorAssert.close(name, image.latents().values(), expected, tolerance);
            assertPixels(name, image.pixels().toBytes(), npy(name + "/image_u8").bytes());
        }
    }

    @ParameterizedTest
    @CsvSource({"rf_onestep", "rf2_4steps_cfg1p5", "rf2_25steps_cfg1p5_neg"})
    void rectifiedFlowFromPromptToPixels(String name) throws Exception {
        JsonNode settings = settings(name);
        boolean oneStep = settings.get("steps").asInt() == 1;
        GenerationRequest request =
                GenerationRequest.of(settings.get("prompt").get(0).asText())
                        .withNegativePrompt(settings.path("negative_prompt").path(0).asText(""))
                        .withSteps(settings.get("steps").asInt())
                        .withGuidance(settings.get("guidance_scale").asDouble())
                        .withSize(128, 128)
                        .withNoise(Latents.of(npy(name + "/noise")));
        ModelCard card = oneStep ? ModelCard.instaFlow() : ModelCard.twoRectifiedFlow();
        try (TextToImage engine = open(card)) {
            GeneratedImage image = engine.generate(request).get(0);
            float[] expected = npy(name + "/latents").floats();
            TensorAssert.close(name, image.latents().values(), expected, FLOW_TOLERANCE);
            assertPixels(name, image.pixels().toBytes(), npy(name + "/image_u8").bytes());
        }
    }

    /** At most one off, and rarely. */
    private static void assertPixels(String name, byte[] actual, byte[] expected) {
        assertEquals(expected.length, actual.length);
        int off = 0;
        for (int i = 0; i < expected.length; i++) {
            int difference = Math.abs((actual[i] & 0xff) - (expected[i] & 0xff));
            assertTrue(difference <= 1, name + " at " + i);
            off += difference;
        }
        assertTrue(off <= expected.length / 1000, name + ": " + off + " pixels are one off");
    }

    @Test
    void tilesOfALargeImageMeetWithoutSeams() throws Exception {
        // 80 latent columns take two tiles of 64. Decoding them whole takes 40 MiB by estimate, the
        // UNet 2; of the limit about 16 MiB are weights.
        GenerationRequest request = GenerationRequest.of("a cat").withSize(640, 128);
        ModelCard card = ModelCard.instaFlow();
        byte[] whole;
        byte[] tiled;
        Path yaml = Path.of(getClass().getResource("/golden/tiny.yaml").toURI());
        ModelSource source =
                ModelSource.of(TinyModel.FILE).withCard(card).withConfig(ModelConfig.ofYaml(yaml));
        EngineSettings settings = EngineSettings.defaults().withDevice(Device.cpu());
        try (TextToImage engine = TextToImage.open(source, settings)) {
            whole = engine.generate(request).get(0).pixels().toBytes();
        }
        try (TextToImage engine = TextToImage.open(source, settings.withMemoryBytes(40L << 20))) {
            tiled = engine.generate(request).get(0).pixels().toBytes();
        }
        double difference = 0;
        for (int i = 0; i < whole.length; i++) {
            difference += Math.abs((whole[i] & 0xff) - (tiled[i] & 0xff));
        }
        double mean = difference / whole.length;
        assertTrue(mean > 0 && mean < 8, "mean difference of whole and tiled: " + mean);
        double within = columnStep(whole, 640);
        assertTrue(
                columnStep(tiled, 640) < 1.5 * within,
                columnStep(tiled, 640) + " between columns, " + within + " without tiles");
    }

    @Test
    void anImageThatCannotFitIsRefusedBeforeTheWork() throws Exception {
        EngineSettings settings = EngineSettings.on(Device.cpu()).withMemoryBytes(1);
        try (TextToImage engine = TextToImage.open(ModelSource.bundled(), settings)) {
            GenerationRequest request = GenerationRequest.of("собака");
            String message =
                    assertThrows(IllegalArgumentException.class, () -> engine.generate(request))
                            .getMessage();
            assertTrue(message.contains("64x64 pixels take about"), message);
            assertTrue(message.contains("0 MiB are left"), message);
        }
    }

    /** The largest mean step between neighbouring columns: a seam would stand out. */
    private static double columnStep(byte[] rgb, int width) {
        int rows = rgb.length / 3 / width;
        double largest = 0;
        for (int x = 1; x < width; x++) {
            double sum = 0;
            for (int y = 0; y < rows; y++) {
                int at = (y * width + x) * 3;
                sum += Math.abs((rgb[at] & 0xff) - (rgb[at - 3] & 0xff));
            }
            largest = Math.max(largest, sum / rows);
        }
        return largest;
    }
}
