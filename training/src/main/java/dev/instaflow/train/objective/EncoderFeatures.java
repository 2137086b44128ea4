package dev.instaflow.train.objective;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Seed;
import dev.instaflow.train.Tape;
import dev.instaflow.train.data.WeightsDigest;
import dev.instaflow.vae.AutoencoderKl;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A perceptual distance without any weights from elsewhere: features of our own autoencoder's encoder, compared
 * as LPIPS does, with all channels alike and averaged over blocks. The encoder knows the pictures that it was
 * trained for, alpha included.
 */
public final class EncoderFeatures implements PictureDistance {
    private static final Pattern LEVEL = Pattern.compile(".*\\.down\\.(\\d+)\\.block\\.\\d+");

    private final TrainingBackend backend;
    private final AutoencoderKl vae;
    private final List<String> blocks;

    /**
     * Of some blocks.
     *
     * @param backend that the autoencoder was loaded to
     * @param vae has its encoder; frozen
     * @param blocks of {@link AutoencoderKl#encoderBlockNames}, at least one
     */
    public EncoderFeatures(TrainingBackend backend, AutoencoderKl vae, List<String> blocks) {
        this.backend = backend;
        this.vae = vae;
        this.blocks = List.copyOf(blocks);
        if (blocks.isEmpty() || !vae.encoderBlockNames().containsAll(blocks)) {
            throw new IllegalArgumentException(
                    "features of the blocks %s; the encoder has %s"
                            .formatted(blocks, vae.encoderBlockNames()));
        }
    }

    /**
     * Of the last block of each level.
     *
     * @param backend that the autoencoder was loaded to
     * @param vae has its encoder; frozen
     * @return the distance
     */
    public static EncoderFeatures of(TrainingBackend backend, AutoencoderKl vae) {
        Map<Integer, String> last = new TreeMap<>();
        for (String name : vae.encoderBlockNames()) {
            Matcher matcher = LEVEL.matcher(name);
            if (matcher.matches()) {
                last.put(Integer.parseInt(matcher.group(1)), name);
            }
        }
        return new EncoderFeatures(backend, vae, List.copyOf(last.values()));
    }

    @Override
    public Result between(Shape shape, float[] pictures, float[] wanted) {
        Map<String, float[]> goals = new LinkedHashMap<>();
        try (Scope scope = backend.openScope("wanted features")) {
            vae.encode(
                    scope.ops(),
                    scope.ops().tensor("wanted", shape, wanted),
                    (block, ops, output) -> {
                        if (blocks.contains(block)) {
                            goals.put(block, ops.toArray(output));
                        }
                    });
        }
        try (Tape tape = new Tape(backend, Tape.Memory.KEEP)) {
            Tensor image = tape.tensor("pictures", shape, pictures);
            tape.watch(List.of(image));
            Map<String, Tensor> features = new LinkedHashMap<>();
            vae.encode(
                    tape,
                    image,
                    (block, ops, output) -> {
                        if (blocks.contains(block)) {
                            features.put(block, output);
                        }
                    });
            return compared(tape, image, features, goals);
        }
    }

    private Result compared(
            Tape tape, Tensor image, Map<String, Tensor> features, Map<String, float[]> goals) {
        double value = 0;
        List<Seed> seeds = new ArrayList<>();
        for (String block : blocks) {
            Tensor feature = features.get(block);
            float[] weights = new float[feature.shape().intSize(-1)];
            Arrays.fill(weights, 1f / blocks.size());
            FeatureDifference difference =
                    FeatureDifference.of(tape.toArray(feature), goals.get(block), weights);
            value += difference.value();
            Tensor slope =
                    tape.tensor("gradient of " + block, feature.shape(), difference.gradient());
            seeds.add(new Seed(feature, slope));
        }
        tape.backward(seeds);
        return new Result(value, tape.toArray(tape.gradient(image).orElseThrow()));
    }

    @Override
    public String description() {
        return "features of %s in the encoder of sha-256 %s"
                .formatted(blocks, WeightsDigest.of(backend, vae.weights()));
    }
}
