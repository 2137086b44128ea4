package dev.instaflow.benchmarks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.tensor.Shape;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class RandomStableDiffusionTest {
    private static final long SEED = 7;

    /** As {@code torch.load} of a published checkpoint counts them. */
    private static final int PUBLISHED_TENSORS = 1143;

    private final Map<String, Entry> tensors =
            RandomStableDiffusion.tensors(SEED).stream()
                    .collect(Collectors.toMap(Entry::name, Function.identity()));

    @Test
    void hasAsManyTensorsAsThePublishedFile() {
        assertEquals(PUBLISHED_TENSORS, tensors.size());
    }

    @Test
    void holdsEveryWeightOfTheModelsInItsShape() {
        ModelConfig config = ModelConfig.sd15();
        requireAll(ModelPart.UNET, UNet.parameters(config.unet()));
        requireAll(ModelPart.VAE, AutoencoderKl.parameters(config.vae()));
        requireAll(ModelPart.TEXT, ClipTextModel.parameters(config.text()));
    }

    private void requireAll(ModelPart part, Map<String, Shape> parameters) {
        parameters.forEach(
                (key, shape) -> {
                    Entry entry = tensors.get(part.compVisPrefix() + key);
                    long[] sizes = entry.shape().stream().mapToLong(Long::longValue).toArray();
                    assertEquals(shape, Shape.of(sizes), key);
                });
    }

    @Test
    void matricesKeepActivationsOfOrderOne() throws IOException {
        Entry weight = tensors.get("model.diffusion_model.input_blocks.1.0.in_layers.2.weight");
        float[] values = floats(weight, 0, 100_000);
        double squares = 0;
        for (float value : values) {
            squares += (double) value * value;
        }
        double expected = 1.0 / (320 * 9);
        // the mean of 10^5 squares of a uniform variable is off by 0.3% in one deviation
        assertEquals(expected, squares / values.length, 0.015 * expected);
    }

    @Test
    void aValueDependsOnSeedNameAndIndexAlone() throws IOException {
        List<Long> shape = List.of(1000L);
        Entry one = new RandomEntry("a", shape, 0, 1, SEED);
        float[] all = floats(one, 0, 1000);
        assertArrayEquals(
                floats(one, 500, 10), floats(new RandomEntry("a", shape, 0, 1, SEED), 500, 10));
        assertEquals(all[507], floats(one, 507, 1)[0]);
        assertNotEquals(all[0], floats(new RandomEntry("b", shape, 0, 1, SEED), 0, 1)[0]);
        assertNotEquals(all[0], floats(new RandomEntry("a", shape, 0, 1, SEED + 1), 0, 1)[0]);
    }

    private static float[] floats(Entry entry, long first, int length) throws IOException {
        float[] values = new float[length];
        entry.readFloats(first, values, 0, length);
        return values;
    }

    @Test
    void theScheduleIsTheOneOfStableDiffusion() throws IOException {
        // published: alphas_cumprod[0] = 0.99915, [999] = 0.0046601
        assertEquals(0.99915f, floats(tensors.get("alphas_cumprod"), 0, 1)[0], 1e-6);
        assertEquals(0.0046601f, floats(tensors.get("alphas_cumprod"), 999, 1)[0], 1e-7);
    }
}
