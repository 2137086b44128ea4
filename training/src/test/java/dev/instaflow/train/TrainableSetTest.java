package dev.instaflow.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.tensor.Shape;
import dev.instaflow.unet.UNet;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.AutoencoderKl;
import dev.instaflow.vae.VaeConfig;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each set has of Stable Diffusion 1.5. */
class TrainableSetTest {
    private static Map<String, Shape> weights() {
        Map<String, Shape> all = new LinkedHashMap<>();
        UNet.parameters(UNetConfig.sd15())
                .forEach((key, s) -> all.put(ModelPart.UNET.compVisPrefix() + key, s));
        ClipTextModel.parameters(ClipTextConfig.sd15())
                .forEach((key, s) -> all.put(ModelPart.TEXT.compVisPrefix() + key, s));
        AutoencoderKl.parameters(VaeConfig.sd15())
                .forEach((key, s) -> all.put(ModelPart.VAE.compVisPrefix() + key, s));
        return all;
    }

    // The first four are the published sizes. 16 blocks of cross-attention have 5 tensors each.
    // Emojich
    // freezes 5 + 4 tensors in each of those blocks and 8 + 4 in each of 12 layers of the text
    // encoder.
    @ParameterizedTest
    @CsvSource({
        "unet,686,859520964",
        "text,196,123060480",
        "vae,248,83653863",
        "full,882,982581444",
        "cross-attention,80,43962560",
        "emojich,594,699192644"
    })
    void setsHaveTheTensorsOfTheirRule(String name, int tensors, long values) {
        TrainableSet set = TrainableSet.named(name);
        Map<String, Shape> all = weights();
        all.keySet().removeIf(weight -> !set.contains(weight));
        assertEquals(tensors, all.size());
        assertEquals(values, all.values().stream().mapToLong(Shape::count).sum());
    }

    @Test
    void decoderAndEncoderMakeUpTheAutoencoder() {
        String vae = ModelPart.VAE.compVisPrefix();
        assertTrue(TrainableSet.VAE_DECODER.contains(vae + "decoder.conv_in.weight"));
        assertTrue(TrainableSet.VAE_DECODER.contains(vae + "post_quant_conv.bias"));
        long decoder =
                weights().entrySet().stream()
                        .filter(entry -> TrainableSet.VAE_DECODER.contains(entry.getKey()))
                        .mapToLong(entry -> entry.getValue().count())
                        .sum();
        long encoder = 34_163_664; // of which quant_conv has 72; FACTS of the published model
        assertEquals(83_653_863 - encoder, decoder);
    }

    @Test
    void unknownNamesAreAnsweredWithTheKnownOnes() {
        IllegalArgumentException refused =
                assertThrows(IllegalArgumentException.class, () -> TrainableSet.named("attention"));
        assertTrue(refused.getMessage().contains("cross-attention, emojich"), refused.getMessage());
    }
}
