package dev.instaflow.checkpoint.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.layout.TextShape;
import dev.instaflow.checkpoint.layout.UNetShape;
import dev.instaflow.checkpoint.layout.VaeShape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Against the files that diffusers' own converter wrote for the tiny model. */
class DiffusersConfigsTest {
    private static final NetworkSettings TINY = new NetworkSettings(8, 4, 32, 32, 0.18215);

    @Test
    void unetConfigIsThatOfTheOriginalConverter() throws IOException {
        UNetShape tiny =
                new UNetShape(
                        4,
                        4,
                        32,
                        List.of(1, 1, 1, 2),
                        2,
                        List.of(0, 1, 2),
                        1,
                        16,
                        UNetShape.Projection.CONV);
        assertSameWhereWritten("unet.config.json", DiffusersConfigs.unet(tiny, TINY, 8));
    }

    @Test
    void vaeConfigIsThatOfTheOriginalConverter() throws IOException {
        VaeShape tiny = new VaeShape(3, 3, 32, List.of(1, 1, 1, 2), 1, 4, 4);
        assertSameWhereWritten("vae.config.json", DiffusersConfigs.vae(tiny, TINY, 8));
    }

    @Test
    void textConfigIsThatOfTheOriginalConverter() throws IOException {
        TextShape tiny = new TextShape(49408, 77, 16, 3, 64);
        assertSameWhereWritten("text_encoder.config.json", DiffusersConfigs.text(tiny, TINY));
    }

    @Test
    void schedulerAndIndexAreThoseOfTheOriginalConverter() throws IOException {
        assertSameWhereWritten("scheduler_config.json", DiffusersConfigs.scheduler());
        ObjectNode index =
                DiffusersConfigs.modelIndex(
                        "StableDiffusionPipeline",
                        List.of(ModelPart.values()),
                        Optional.of(Path.of("tokenizer")));
        assertEquals(golden("model_index.json"), index);
    }

    @Test
    void partsThatAreNotThereAreListedAsNothing() {
        ObjectNode index =
                DiffusersConfigs.modelIndex(
                        "StableDiffusionPipeline", List.of(ModelPart.VAE), Optional.empty());
        assertEquals("[null,null]", index.get("unet").toString());
        assertEquals("[null,null]", index.get("tokenizer").toString());
        assertEquals("[\"diffusers\",\"AutoencoderKL\"]", index.get("vae").toString());
    }

    private static void assertSameWhereWritten(String name, ObjectNode written) throws IOException {
        JsonNode golden = golden(name);
        assertFalse(written.isEmpty());
        for (Map.Entry<String, JsonNode> value : written.properties()) {
            assertEquals(golden.get(value.getKey()), value.getValue(), value.getKey());
        }
    }

    private static JsonNode golden(String name) throws IOException {
        try (InputStream in = DiffusersConfigsTest.class.getResourceAsStream(name)) {
            return new ObjectMapper().readTree(in);
        }
    }
}
