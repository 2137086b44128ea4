package dev.instaflow.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.image.ColorFormat;
import dev.instaflow.sampler.Prediction;
import dev.instaflow.sampler.TimeLabelRule;
import java.io.IOException;
import java.io.InputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelCardReaderTest {
    private static ObjectNode bundled() throws IOException {
        try (InputStream in =
                ModelCardReaderTest.class.getResourceAsStream("/dev/instaflow/emoji/card.json")) {
            return (ObjectNode) new ObjectMapper().readTree(in);
        }
    }

    @Test
    void readsTheBundledCard() throws IOException {
        ModelCard card = ModelCardReader.read("card.json", bundled());
        assertEquals("emoji-onestep", card.identity().name());
        assertEquals(Prediction.FLOW, card.traits().prediction());
        assertEquals(TimeLabelRule.INSTAFLOW, card.traits().timeLabelRule());
        assertEquals(1, card.latentScale().factor());
        assertEquals(new RequestLimits(1, 1, 1, 1, 0), card.limits());
        assertFalse(card.limits().allowsGuidance());
        assertEquals(new ImageTraits(64, 64, ColorFormat.RGBA_PREMULTIPLIED), card.image());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "prediction | \"image\" | prediction is \"image\"; expected one of",
                "timeLabel | \"backwards\" | timeLabel is \"backwards\"",
                "latentScale | 0 | latent scale 0.0",
                "latentScale | \"1\" | latentScale should be a number",
                "imageSize | [64] | imageSize should be [height, width]",
                "imageSize | [0, 64] | image size 64x0",
                "allowedSteps | 1 | allowedSteps should be an object",
                "allowedSteps | {\"min\":2,\"max\":1,\"default\":1} | 1 <= min <= default",
                "guidance | {\"max\":1,\"default\":7.5} | default 7.5 is outside",
                "name | 3 | name should be a string",
                "color | \"cmyk\" | color is \"cmyk\""
            })
    void eachWrongValueIsNamed(String key, String json, String message) throws IOException {
        ObjectNode card = bundled();
        JsonNode value = new ObjectMapper().readTree(json);
        card.set(key, value);
        CheckpointFormatException error =
                assertThrows(
                        CheckpointFormatException.class,
                        () -> ModelCardReader.read("my/card.json", card));
        assertTrue(error.getMessage().startsWith("my/card.json: model card: "), error.getMessage());
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void otherJsonIsNoCard() throws IOException {
        assertTrue(ModelCardReader.looksLikeCard(bundled()));
        assertFalse(ModelCardReader.looksLikeCard(new ObjectMapper().readTree("[1]")));
        assertFalse(ModelCardReader.looksLikeCard(new ObjectMapper().readTree("{\"a\":1}")));
    }

    @Test
    void presetsAreWhatTheModelsWereMadeFor() {
        assertFalse(ModelCard.instaFlow().limits().allowsGuidance());
        assertEquals(1, ModelCard.instaFlow().limits().maxSteps());
        assertEquals(1.5, ModelCard.twoRectifiedFlow().limits().defaultGuidance());
        assertEquals(Prediction.EPSILON, ModelCard.stableDiffusion15().traits().prediction());
        assertEquals(0.18215, ModelCard.stableDiffusion15().latentScale().factor());
    }
}
