package dev.instaflow.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.pipeline.ImageParameters.InputFile;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.SamplerKind;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class ImageParametersTest {
    private static final ImageParameters PARAMETERS =
            new ImageParameters(
                    "кот \"x\"\n",
                    "blur",
                    SamplerKind.DPMPP_2M,
                    25,
                    7.5,
                    512,
                    640,
                    Long.MIN_VALUE,
                    NoiseSource.TORCH_CUDA,
                    OptionalDouble.of(0.3),
                    Map.of(),
                    new ImageParameters.Stamp("sd", "ab12", WeightSet.EMA, "1.0", "cpu"));

    @Test
    void everythingSurvivesJson() {
        ImageParameters full =
                PARAMETERS.withInputs(Map.of("initImage", new InputFile("a b.png", "00ff")));
        assertEquals(full, ImageParameters.fromJson(full.toJson()));
    }

    @Test
    void inputsHaveOneOrder() {
        Map<String, InputFile> inputs = new LinkedHashMap<>();
        for (String role : List.of("noise", "card", "mask", "initImage")) {
            inputs.put(role, new InputFile(role, "00"));
        }
        String json = PARAMETERS.withInputs(inputs).toJson();
        assertTrue(json.matches(".*\"card\".*\"initImage\".*\"mask\".*\"noise\":.*"), json);
    }

    @Test
    void errorsNameTheKey() {
        for (String key : List.of("prompt", "steps", "weights", "noiseSource", "sampler")) {
            String json = PARAMETERS.toJson().replace('"' + key + "\":", "\"other\":");
            IllegalArgumentException error =
                    assertThrows(
                            IllegalArgumentException.class, () -> ImageParameters.fromJson(json));
            assertTrue(error.getMessage().contains('"' + key + '"'), error.getMessage());
        }
        String json = PARAMETERS.toJson().replace("\"ema\"", "\"best\"");
        IllegalArgumentException error =
                assertThrows(IllegalArgumentException.class, () -> ImageParameters.fromJson(json));
        assertTrue(error.getMessage().contains("\"weights\""), error.getMessage());
    }
}
