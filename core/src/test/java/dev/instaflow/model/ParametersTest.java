package dev.instaflow.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.layout.TensorSpec;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.tensor.Shape;
import dev.instaflow.unet.UNet;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.AutoencoderKl;
import dev.instaflow.vae.VaeConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The weights that the models ask for: how many, under which names, in which order. */
class ParametersTest {
    @Test
    void unetOfSd15HasThePublishedSize() {
        Map<String, Shape> parameters = UNet.parameters(UNetConfig.sd15());
        assertEquals(686, parameters.size());
        assertEquals(859_520_964L, count(parameters));
        assertEquals(Shape.of(320, 4, 3, 3), parameters.get("input_blocks.0.0.weight"));
        assertEquals(
                Shape.of(1280, 2560, 1, 1),
                parameters.get("output_blocks.2.0.skip_connection.weight"));
    }

    @Test
    void autoencoderOfSd15HasThePublishedSize() {
        Map<String, Shape> parameters = AutoencoderKl.parameters(VaeConfig.sd15());
        assertEquals(248, parameters.size());
        assertEquals(83_653_863L, count(parameters));
    }

    @Test
    void textEncoderOfSd15HasThePublishedSize() {
        Map<String, Shape> parameters = ClipTextModel.parameters(ClipTextConfig.sd15());
        // Files have a 197th, the buffer position_ids.
        assertEquals(196, parameters.size());
        assertEquals(123_060_480L, count(parameters));
    }

    private static long count(Map<String, Shape> parameters) {
        return parameters.values().stream().mapToLong(Shape::count).sum();
    }

    @Test
    void theCheckpointLoaderExpectsTheSameTensors() {
        Map<String, List<Long>> expected = new HashMap<>();
        for (TensorSpec spec : ArchitectureShapes.sd15().tensors()) {
            expected.put(spec.name(), spec.shape());
        }
        Map<String, List<Long>> asked = new HashMap<>();
        add(asked, ModelPart.UNET, UNet.parameters(UNetConfig.sd15()));
        add(asked, ModelPart.VAE, AutoencoderKl.parameters(VaeConfig.sd15()));
        add(asked, ModelPart.TEXT, ClipTextModel.parameters(ClipTextConfig.sd15()));
        assertEquals(expected, asked);
    }

    private static void add(
            Map<String, List<Long>> asked, ModelPart part, Map<String, Shape> parameters) {
        parameters.forEach((name, shape) -> asked.put(part.compVisPrefix() + name, sizes(shape)));
    }

    private static List<Long> sizes(Shape shape) {
        List<Long> sizes = new ArrayList<>();
        for (int axis = 0; axis < shape.rank(); axis++) {
            sizes.add(shape.size(axis));
        }
        return sizes;
    }

    @Test
    void orderIsThatOfTheFile() throws IOException {
        List<String> asked = new ArrayList<>();
        UNet.parameters(TinyModel.UNET)
                .keySet()
                .forEach(name -> asked.add(ModelPart.UNET.compVisPrefix() + name));
        AutoencoderKl.parameters(TinyModel.VAE)
                .keySet()
                .forEach(name -> asked.add(ModelPart.VAE.compVisPrefix() + name));
        ClipTextModel.parameters(TinyModel.TEXT)
                .keySet()
                .forEach(name -> asked.add(ModelPart.TEXT.compVisPrefix() + name));
        try (Checkpoint checkpoint = TinyModel.open()) {
            List<String> filed =
                    checkpoint.entries().stream()
                            .map(Entry::name)
                            .filter(
                                    name ->
                                            name.contains("_model.")
                                                    && !name.endsWith("position_ids"))
                            .toList();
            assertEquals(filed, asked);
        }
    }
}
