package dev.instaflow.checkpoint.diffusers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.ckpt.CkptWriter;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.HeapEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DiffusersFolderTest {
    private static final String INDEX = "diffusion_pytorch_model.safetensors.index.json";

    @TempDir private Path folder;

    @Test
    void networksAreOpenedBehindTheirPrefixes() throws IOException {
        weights("unet/diffusion_pytorch_model.safetensors", "a", 1);
        weights("vae/diffusion_pytorch_model.bin", "b", 2);
        weights("text_encoder/pytorch_model.bin", "c", 3);
        write("vae/config.json", "{}");
        write("scheduler/scheduler_config.json", "{\"_class_name\":\"EulerDiscreteScheduler\"}");
        write("tokenizer/vocab.json", "{}");
        write("model_index.json", "{\"_class_name\":\"RectifiedFlowPipeline\",\"vae\":[null]}");
        try (Checkpoint opened = Checkpoint.open(folder)) {
            assertEquals(List.of("unet.a", "vae.b", "text_encoder.c"), names(opened));
            assertEquals(3, value(opened, "text_encoder.c"));
            assertEquals(
                    Map.of(
                            "_class_name",
                            "RectifiedFlowPipeline",
                            "scheduler._class_name",
                            "EulerDiscreteScheduler"),
                    opened.metadata());
            DiffusersFolder model = (DiffusersFolder) opened;
            assertEquals(Set.of(ModelPart.values()), model.parts());
            assertEquals(
                    Optional.of(folder.resolve("vae/config.json")), model.config(ModelPart.VAE));
            assertEquals(Optional.empty(), model.config(ModelPart.UNET));
            assertEquals(Optional.of(folder.resolve("tokenizer")), model.tokenizer());
            assertEquals(Set.of("scheduler", "tokenizer"), model.otherFolders());
            assertEquals(3, model.weightFiles().size());
            opened.verify();
        }
    }

    @Test
    void aFolderWithOneNetworkIsEnough() throws IOException {
        weights("vae/diffusion_pytorch_model.safetensors", "b", 2);
        try (Checkpoint opened = Checkpoint.open(folder)) {
            assertEquals(List.of("vae.b"), names(opened));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "unet.|{\"_class_name\":\"UNet2DConditionModel\"}",
                "vae.|{\"_class_name\":\"AutoencoderKL\"}",
                "text_encoder.|{\"architectures\":[\"CLIPTextModel\"]}"
            })
    void theFolderOfANetworkIsOpenedToo(String prefixAndConfig) throws IOException {
        String[] parts = prefixAndConfig.split("\\|");
        write("config.json", parts[1]);
        weights("model.safetensors", "x", 1);
        try (Checkpoint opened = Checkpoint.open(folder)) {
            assertEquals(List.of(parts[0] + "x"), names(opened));
        }
    }

    @Test
    void fullPrecisionAndSafetensorsComeFirst() throws IOException {
        weights("unet/diffusion_pytorch_model.non_ema.safetensors", "d", 4);
        assertEquals(List.of("unet.d"), names());
        weights("unet/diffusion_pytorch_model.fp16.bin", "c", 3);
        assertEquals(List.of("unet.c"), names());
        weights("unet/diffusion_pytorch_model.bin", "b", 2);
        assertEquals(List.of("unet.b"), names());
        weights("unet/diffusion_pytorch_model.safetensors", "a", 1);
        assertEquals(List.of("unet.a"), names());
    }

    @Test
    void shardsAreOneNetwork() throws IOException {
        weights("unet/x-00001-of-00002.safetensors", "a", 1);
        weights("unet/x-00002-of-00002.safetensors", "b", 2);
        index("\"b\":\"x-00002-of-00002.safetensors\",\"a\":\"x-00001-of-00002.safetensors\"");
        try (Checkpoint opened = Checkpoint.open(folder)) {
            assertEquals(List.of("unet.a", "unet.b"), names(opened));
            assertEquals(2, value(opened, "unet.b"));
        }
    }

    @Test
    void anIndexThatDoesNotFitIsRefused() throws IOException {
        weights("unet/x.safetensors", "a", 1);
        weights("unet/y.safetensors", "a", 1);
        weights("z.safetensors", "z", 1);
        index("\"a\":\"x.safetensors\",\"b\":\"x.safetensors\"");
        refused("no tensor \"b\", which the index of the shards promises");
        index("\"a\":\"x.safetensors\",\"b\":\"y.safetensors\"");
        refused("\"a\" is in x.safetensors too");
        index("\"a\":\"lost.safetensors\"");
        refused("shard lost.safetensors is missing");
        for (String outside :
                List.of("../z.safetensors", "/etc/z.safetensors", "..", "", "z", "a\\\\z.bin")) {
            index("\"z\":\"" + outside + "\"");
            refused("expected the name of a .safetensors or .bin file beside the index");
        }
        index("\"a\":7");
        refused("names the shard \"7\"");
        write("unet/" + INDEX, "{\"weight_map\":[]}");
        refused("expected an object \"weight_map\"");
        write("unet/" + INDEX, "{\"weight_map\":");
        refused("not JSON");
        write("unet/" + INDEX, "[]");
        refused("expected a JSON object");
    }

    @Test
    void otherFoldersAreExplained() throws IOException {
        write("readme.txt", "hello");
        refused("a folder without model_index.json, unet, vae");
        write("model_index.json", "{\"_class_name\":\"FluxPipeline\"}");
        refused("no unet/, vae/ or text_encoder/ in it");
        write("config.json", "{\"_class_name\":\"FluxTransformer2DModel\"}");
        refused("the configuration of a \"FluxTransformer2DModel\"");
        write("unet/flax_model.msgpack", "?");
        refused("no weights; expected diffusion_pytorch_model, model, pytorch_model.safetensors");
        refused("found flax_model.msgpack");
    }

    @Test
    void aDamagedFileNamesItself() throws IOException {
        weights("vae/diffusion_pytorch_model.safetensors", "a", 1);
        write("unet/diffusion_pytorch_model.safetensors", "<!DOCTYPE html><html>no</html>");
        refused("unet/diffusion_pytorch_model.safetensors");
    }

    private void weights(String name, String tensor, float value) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        List<Entry> entries = List.of(HeapEntry.ofFloats(tensor, List.of(1L), value));
        if (name.endsWith(".bin")) {
            CkptWriter.write(file, entries, Map.of());
        } else {
            SafetensorsWriter.write(file, entries, Map.of());
        }
    }

    private void index(String weightMap) throws IOException {
        write("unet/" + INDEX, "{\"metadata\":{},\"weight_map\":{" + weightMap + "}}");
    }

    private void write(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    private void refused(String expected) {
        String message =
                assertThrows(CheckpointFormatException.class, () -> Checkpoint.open(folder))
                        .getMessage();
        assertTrue(message.contains(expected), message);
    }

    private List<String> names() throws IOException {
        try (Checkpoint opened = Checkpoint.open(folder)) {
            return names(opened);
        }
    }

    private static List<String> names(Checkpoint checkpoint) {
        return new ArrayList<>(checkpoint.entries().stream().map(Entry::name).toList());
    }

    private static float value(Checkpoint checkpoint, String name) throws IOException {
        float[] value = new float[1];
        checkpoint.find(name).orElseThrow().readFloats(0, value, 0, 1);
        return value[0];
    }
}
