package dev.instaflow.train.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.TrainableSet;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model that has learnt nothing is whole, answers zero and starts where the originals start. */
class FreshWeightsTest {
    private static final String UNET = "model.diffusion_model.";
    private static final String TEXT = "cond_stage_model.transformer.text_model.";

    @TempDir Path folder;

    private static float[] values(Checkpoint checkpoint, String name) throws IOException {
        Entry entry = checkpoint.find(name).orElseThrow();
        float[] values = new float[(int) entry.count()];
        entry.readFloats(0, values, 0, values.length);
        return values;
    }

    private static double deviation(float... values) {
        double squares = 0;
        for (float value : values) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares / values.length);
    }

    @Test
    void deviationsAreThoseOfTheOriginals() throws IOException {
        ModelConfig config = BundledEmoji.config(folder);
        try (Checkpoint vae = Checkpoint.open(BundledEmoji.copy("model.ckpt", folder));
                Checkpoint fresh = FreshWeights.of(config, vae, 3)) {
            // Uniform in +-1/sqrt(fan in) has that bound over sqrt(3); 73,728 values tell 1 %
            // apart.
            float[] kernel = values(fresh, UNET + "input_blocks.1.0.in_layers.2.weight");
            assertEquals(1 / Math.sqrt(3 * 64 * 9), deviation(kernel), 1e-3);
            assertEquals(1, values(fresh, UNET + "out.0.weight")[0]);
            assertEquals(0, deviation(values(fresh, UNET + "out.2.weight")));
            assertEquals(0, deviation(values(fresh, UNET + "middle_block.1.proj_out.weight")));
            assertTrue(deviation(values(fresh, UNET + "time_embed.0.bias")) > 0);
            String layer = TEXT + "encoder.layers.0.";
            assertEquals(
                    1 / Math.sqrt(128),
                    deviation(values(fresh, layer + "self_attn.out_proj.weight")),
                    2e-3);
            assertEquals(1, values(fresh, layer + "layer_norm1.weight")[0]);
            assertEquals(
                    0.02,
                    deviation(values(fresh, TEXT + "embeddings.token_embedding.weight")),
                    1e-3);
            String decoder = "first_stage_model.decoder.conv_in.weight";
            assertArrayEquals(values(vae, decoder), values(fresh, decoder));
        }
    }

    @Test
    void freshModelLoadsAndAnswersZero() throws IOException {
        ModelConfig config = BundledEmoji.config(folder);
        try (CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                Checkpoint vae = Checkpoint.open(BundledEmoji.copy("model.ckpt", folder));
                Checkpoint fresh = FreshWeights.of(config, vae, 3);
                TrainingModel model =
                        TrainingModel.load(backend, fresh, config, TrainableSet.FULL);
                Scope scope = backend.openScope("fresh")) {
            Shape shape = Shape.of(1, 8, 8, 16);
            Tensor state = scope.ops().tensor("state", shape, new float[1024]);
            Tensor y = model.predict(scope.ops(), state, new float[] {500}, new int[1][24]);
            assertEquals(0, deviation(scope.ops().toArray(y)));
        }
    }
}
