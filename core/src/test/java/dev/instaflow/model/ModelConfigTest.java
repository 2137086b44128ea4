package dev.instaflow.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.VaeConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {
    private static final Path YAML = GoldenCase.FOLDER.resolve("tiny.yaml");
    private static final Path DIFFUSERS =
            Path.of("src/test/resources/dev/instaflow/model/diffusers");
    private static final ModelConfig TINY =
            new ModelConfig(TinyModel.UNET, TinyModel.VAE, TinyModel.TEXT);

    @TempDir Path folder;

    @Test
    void readsCompVisYaml() throws IOException {
        assertEquals(TINY, ModelConfig.ofYaml(YAML));
    }

    @Test
    void readsDiffusersFolder() throws IOException {
        assertEquals(TINY, ModelConfig.ofDiffusersFolder(DIFFUSERS));
    }

    @Test
    void derivesFromTensorsAllButHeadsAndSizeHint() throws IOException {
        try (Checkpoint checkpoint = TinyModel.open()) {
            ModelConfig derived = ModelConfig.ofTensors(checkpoint, 8, 4);
            assertEquals(TINY.text(), derived.text());
            assertEquals(withSizeHint(TINY.unet(), 64), derived.unet());
            assertEquals(TinyModel.VAE.channelMult(), derived.vae().channelMult());
            assertEquals(
                    new VaeConfig(32, List.of(1, 1, 1, 2), 1, 4, 4, 3, 3, 32, 64), derived.vae());
        }
    }

    @Test
    void headsAreGuessedForStableDiffusionsWidthsAlone() throws IOException {
        try (Checkpoint checkpoint = TinyModel.open()) {
            String message =
                    assertThrows(
                                    CheckpointFormatException.class,
                                    () -> ModelConfig.ofTensors(checkpoint))
                            .getMessage();
            assertTrue(message.contains("a UNet of 32 channels and texts of 16"), message);
        }
    }

    private static UNetConfig withSizeHint(UNetConfig c, int size) {
        return new UNetConfig(
                c.inChannels(),
                c.outChannels(),
                c.modelChannels(),
                c.channelMult(),
                c.resBlocks(),
                c.attentionResolutions(),
                c.heads(),
                c.transformerDepth(),
                c.contextDim(),
                c.normGroups(),
                size);
    }

    @Test
    void readsTheCardOfTheBundledModel() throws IOException {
        JsonNode card;
        try (InputStream in =
                ModelConfig.class.getResourceAsStream("/dev/instaflow/emoji/card.json")) {
            card = new JsonMapper().readTree(in);
        }
        ModelConfig expected =
                new ModelConfig(
                        new UNetConfig(16, 16, 64, List.of(1, 2), 1, Set.of(2), 4, 1, 128, 32, 8),
                        new VaeConfig(16, List.of(1, 2, 2, 4), 1, 16, 16, 4, 4, 8, 8),
                        new ClipTextConfig(4514, 128, 2, 4, 512, 24, 1e-5f));
        assertEquals(expected, ModelConfig.ofCard("card.json", card));
        assertEquals(expected, ModelConfig.ofCard("card.json", withConfigAtRoot(card)));
    }

    private static JsonNode withConfigAtRoot(JsonNode card) {
        return ((ObjectNode) card.get("config").deepCopy()).put("image_size", 64);
    }

    @Test
    void textEncoderDefaultsToClipWhereTheYamlLeavesItToAName() throws IOException {
        String sd15 =
                Files.readString(YAML)
                        .replaceAll("(?s)FrozenCLIPEmbedder.*", "FrozenCLIPEmbedder\n")
                        .replace("context_dim: 16", "context_dim: 768");
        assertEquals(ClipTextConfig.sd15(), ModelConfig.ofYaml(write("sd.yaml", sd15)).text());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "num_heads: 8|num_heads: eight|unet_config.params.num_heads: expected a whole number",
                "num_heads: 8||unet_config.params.num_heads: expected a whole number, found nothing",
                "num_heads: 8|num_heads: 3|32 norm groups and 3 heads",
                "num_heads: 8|num_heads: 0|num_heads is 0",
                "model_channels: 32|model_channels: 33|33 is odd",
                "channel_mult: [1, 1, 1, 2]|channel_mult: []|0 levels",
                "channel_mult: [1, 1, 1, 2]|channel_mult: 2|expected a list",
                "attention_resolutions: [4, 2, 1]|attention_resolutions: [3]|powers of two",
                "context_dim: 16|context_dim: 32|text states of 32 channels",
                "use_spatial_transformer: True|use_spatial_transformer: False|only variant",
                "use_checkpoint: True|num_classes: 10|this variant is not computed",
                "embed_dim: 4|embed_dim: 8|latents have 8",
                "attn_resolutions: []|attn_resolutions: [16]|attn_resolutions",
                "hidden_act: quick_gelu|hidden_act: gelu|quick_gelu",
                "hidden_size: 16|hidden_size: 1e400|hidden_size: expected a whole number",
                "unet_config:|other_config:|unet_config: expected an object, found nothing",
                "model_channels: 32|model_channels: *anchor|model_channels",
                "model:|model: [|not a configuration file"
            })
    void refusesWhatItDoesNotUnderstandNamingTheFile(
            String original, String replacement, String expected) throws IOException {
        String yaml = Files.readString(YAML);
        assertTrue(yaml.contains(original), original);
        String changed = yaml.replace(original, replacement == null ? "" : replacement);
        Path file = write("changed.yaml", changed);
        String message =
                assertThrows(CheckpointFormatException.class, () -> ModelConfig.ofYaml(file))
                        .getMessage();
        assertTrue(message.startsWith(file.toString()), message);
        assertTrue(message.contains(expected), message);
    }

    @Test
    void makesNothingOfYamlTags() throws IOException {
        String tagged =
                Files.readString(YAML)
                        .replace(
                                "target: ldm.modules.diffusionmodules.openaimodel.UNetModel",
                                "target: !!javax.script.ScriptEngineManager [!!java.net.URL [x]]");
        assertEquals(TINY, ModelConfig.ofYaml(write("tagged.yaml", tagged)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "unet|\"attention_head_dim\": 8|\"attention_head_dim\": [5, 10]|attention_head_dim: expected a whole number",
                "unet|\"freq_shift\": 0|\"freq_shift\": 1|freq_shift: expected 0",
                "unet|\"class_embed_type\": null|\"class_embed_type\": \"timestep\"|class_embed_type",
                "unet|\"DownBlock2D\"|\"AttnDownBlock2D\"|down_block_types has AttnDownBlock2D",
                "vae|\"latent_channels\": 4|\"latent_channels\": 16|latents have 16"
            })
    void refusesVariantsInDiffusersFolders(
            String part, String original, String replacement, String expected) throws IOException {
        for (String each : List.of("unet", "vae", "text_encoder")) {
            Files.createDirectories(folder.resolve(each));
            String json = Files.readString(DIFFUSERS.resolve(each).resolve("config.json"));
            if (each.equals(part)) {
                assertTrue(json.contains(original), original);
                json = json.replace(original, replacement);
            }
            Files.writeString(folder.resolve(each).resolve("config.json"), json);
        }
        String message =
                assertThrows(
                                CheckpointFormatException.class,
                                () -> ModelConfig.ofDiffusersFolder(folder))
                        .getMessage();
        assertTrue(message.startsWith(folder.toString()), message);
        assertTrue(message.contains(expected), message);
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }
}
