package dev.instaflow.train.run;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.storage.HeapCheckpoint;
import dev.instaflow.checkpoint.storage.HeapEntry;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.NoiseStream;
import dev.instaflow.tensor.Shape;
import dev.instaflow.unet.UNet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A model that has learnt nothing yet, around an autoencoder that has. The UNet starts as CompVis' does:
 * torch's defaults, and zeros where a block or the network ends, so that each block is the identity at
 * first. The text encoder starts as transformers' {@code CLIPPreTrainedModel} initialises it.
 */
public final class FreshWeights {
    /** What CompVis passes through {@code zero_module}. */
    private static final List<String> ZEROS = List.of(".out.2.", ".out_layers.3.", ".proj_out.");

    private static final double EMBEDDING_DEVIATION = 0.02;

    private final NoiseStream random;
    private final List<Entry> entries = new ArrayList<>();

    private FreshWeights(long seed) {
        random = NoiseSource.JAVA.stream(seed);
    }

    /**
     * Makes the weights.
     *
     * @param config the sizes
     * @param autoencoder a CompVis checkpoint whose {@code first_stage_model.*} is taken over; it must stay
     *     open as long as the result
     * @param seed of the random numbers
     * @return a checkpoint in memory
     */
    public static Checkpoint of(ModelConfig config, Checkpoint autoencoder, long seed) {
        FreshWeights fresh = new FreshWeights(seed);
        Map<String, Shape> unet = UNet.parameters(config.unet());
        unet.forEach((key, shape) -> fresh.unet(key, shape, unet));
        ClipTextModel.parameters(config.text())
                .forEach((key, shape) -> fresh.text(key, shape, config.text()));
        for (Entry entry : autoencoder.entries()) {
            if (entry.name().startsWith(ModelPart.VAE.compVisPrefix())) {
                fresh.entries.add(entry);
            }
        }
        return HeapCheckpoint.of(fresh.entries, Map.of());
    }

    private void unet(String key, Shape shape, Map<String, Shape> shapes) {
        float[] values = new float[Math.toIntExact(shape.count())];
        boolean zero = ZEROS.stream().anyMatch(part -> ("." + key).contains(part));
        Shape weight = key.endsWith(".bias") ? shapes.get(weightOf(key)) : shape;
        if (weight.rank() == 1) {
            Arrays.fill(values, key.endsWith(".weight") ? 1 : 0); // a norm
        } else if (!zero) {
            uniform(values, 1 / Math.sqrt((double) weight.count() / weight.size(0)));
        }
        add(ModelPart.UNET, key, shape, values);
    }

    private static String weightOf(String bias) {
        return bias.substring(0, bias.length() - "bias".length()) + "weight";
    }

    private void text(String key, Shape shape, ClipTextConfig config) {
        float[] values = new float[Math.toIntExact(shape.count())];
        if (shape.rank() == 1) {
            Arrays.fill(values, isNorm(key) ? 1 : 0);
        } else {
            normal(values, deviation(key, config));
        }
        add(ModelPart.TEXT, key, shape, values);
    }

    private static boolean isNorm(String key) {
        return key.contains("layer_norm") && key.endsWith(".weight");
    }

    private static double deviation(String key, ClipTextConfig config) {
        double wide = 1 / Math.sqrt(config.width());
        double deep = 1 / Math.sqrt(2.0 * config.layers());
        if (key.contains("embedding")) {
            return EMBEDDING_DEVIATION;
        }
        if (key.contains("out_proj")) {
            return wide;
        }
        return key.contains("fc1") ? wide / Math.sqrt(2) : wide * deep;
    }

    private void normal(float[] values, double deviation) {
        random.fill(values);
        for (int i = 0; i < values.length; i++) {
            values[i] *= (float) deviation;
        }
    }

    /** Of two normal numbers, {@code exp(-(a^2+b^2)/2)} is uniform in (0,1]. */
    private void uniform(float[] values, double bound) {
        float[] pairs = random.normals(2 * values.length);
        for (int i = 0; i < values.length; i++) {
            double a = pairs[2 * i];
            double b = pairs[2 * i + 1];
            double unit = StrictMath.exp(-(a * a + b * b) / 2);
            values[i] = (float) ((2 * unit - 1) * bound);
        }
    }

    private void add(ModelPart part, String key, Shape shape, float[] values) {
        entries.add(HeapEntry.ofFloats(part.compVisPrefix() + key, shape.sizes(), values));
    }
}
