package dev.instaflow.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Device;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.convert.Conversion;
import dev.instaflow.checkpoint.convert.Converter;
import dev.instaflow.checkpoint.convert.NetworkSettings;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.TinyModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is found beside a model file, and what is said when it does not suffice. */
class ModelSourceTest {
    private static final EngineSettings SETTINGS =
            EngineSettings.defaults().withDevice(Device.cpu());
    private static final GenerationRequest REQUEST =
            GenerationRequest.of("a cat").withSize(128, 128).withSteps(1).withGuidance(1);

    @TempDir Path folder;

    private Path copyWithYaml(String name) throws IOException {
        Path model = Files.copy(TinyModel.FILE, folder.resolve(name + ".ckpt"));
        try (InputStream yaml = getClass().getResourceAsStream("/golden/tiny.yaml")) {
            Files.copy(yaml, folder.resolve(name + ".yaml"));
        }
        return model;
    }

    private static ModelCard cardOf(Path model) throws IOException {
        try (TextToImage engine = TextToImage.open(ModelSource.of(model), SETTINGS)) {
            return engine.card();
        }
    }

    @BeforeEach
    void defaultsAreForTheCpu() {
        assertEquals("cpu", SETTINGS.device().name());
    }

    @Test
    void theNameOfTheFileTellsInstaFlowFromStableDiffusion() throws IOException {
        assertEquals(ModelCard.stableDiffusion15(), cardOf(copyWithYaml("v1-5-pruned")));
        assertEquals(ModelCard.instaFlow(), cardOf(copyWithYaml("InstaFlow_0.9B")));
        assertEquals(ModelCard.twoRectifiedFlow(), cardOf(copyWithYaml("2_rectified_flow")));
    }

    @Test
    void aDiffusersFolderMakesTheSamePixelsAsItsCheckpoint() throws IOException {
        Path ckpt = copyWithYaml("tiny");
        Path diffusers = folder.resolve("tiny-diffusers");
        Converter.convert(
                Conversion.of(ckpt, diffusers)
                        .withSettings(new NetworkSettings(8, 4, 32, 32, 0.18215)));
        byte[] expected = pixels(ckpt);
        byte[] actual = pixels(diffusers);
        assertEquals(expected.length, actual.length);
        for (int i = 0; i < expected.length; i++) {
            // The folder's size is the usual 512, for which convolutions are packed in another way.
            int difference = Math.abs((expected[i] & 0xff) - (actual[i] & 0xff));
            assertTrue(difference <= 1, "byte " + i + " differs by " + difference);
        }
    }

    private static byte[] pixels(Path model) throws IOException {
        try (TextToImage engine = TextToImage.open(ModelSource.of(model), SETTINGS)) {
            GeneratedImage image = engine.generate(REQUEST).get(0);
            assertEquals(64, image.parameters().stamp().weightsSha256().length());
            return image.pixels().toBytes();
        }
    }

    @Test
    void aPartOfAModelIsNotEnough() {
        String message = refusal(ModelSource.of(TinyModel.UNET64_FILE), SETTINGS);
        assertTrue(message.contains("unet64-fp16.ckpt"), message);
        assertTrue(message.contains("without [VAE, TEXT]"), message);
    }

    @Test
    void absentFilesAndAbsentAveragesAreNamed() {
        assertThrows(
                NoSuchFileException.class,
                () -> TextToImage.open(ModelSource.of(folder.resolve("no.ckpt")), SETTINGS));
        EngineSettings averages = SETTINGS.withWeights(WeightSet.EMA);
        String message = refusal(ModelSource.of(TinyModel.FILE), averages);
        assertTrue(message.contains("EMA"), message);
    }

    @Test
    void aConfigurationThatIsNotTheModelsListsTheKeys() throws IOException {
        Path model = copyWithYaml("tiny");
        Path yaml = folder.resolve("tiny.yaml");
        String wrong = Files.readString(yaml).replace("num_res_blocks: 2", "num_res_blocks: 1");
        Files.writeString(yaml, wrong);
        for (MemoryMode mode : MemoryMode.values()) {
            String message = refusal(ModelSource.of(model), SETTINGS.withMemory(mode));
            assertTrue(message.contains("model.diffusion_model."), message);
        }
    }

    @Test
    void aDecoderThatDoesNotFitIsFoundBeforeTheFirstStageRuns() throws IOException {
        Path model = copyWithYaml("tiny");
        Path yaml = folder.resolve("tiny.yaml");
        String wrong = Files.readString(yaml).replace("z_channels: 4", "z_channels: 8");
        Files.writeString(yaml, wrong);
        EngineSettings byStage = SETTINGS.withMemory(MemoryMode.BY_STAGE);
        String message = refusal(ModelSource.of(model), byStage);
        assertTrue(message.contains("first_stage_model."), message);
    }

    private static String refusal(ModelSource source, EngineSettings settings) {
        return assertThrows(
                        CheckpointFormatException.class, () -> TextToImage.open(source, settings))
                .getMessage();
    }
}
