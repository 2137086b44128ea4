package dev.instaflow.model;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.VaeConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Sizes in the {@code config.json} files of a diffusers folder. */
final class DiffusersConfig {
    private static final int SD_LATENT_SIZE = 64;

    /** That library's default. */
    private static final int USUAL_HEADS = 8;

    private static final String ATTENTION_LEVEL = "CrossAttnDownBlock2D";
    private static final String PLAIN_LEVEL = "DownBlock2D";

    private DiffusersConfig() {}

    static ModelConfig read(Path folder) throws IOException {
        UNetConfig unet = unet(config(folder, ModelPart.UNET));
        VaeConfig vae = vae(config(folder, ModelPart.VAE), unet.sampleSize());
        ClipTextConfig text = CompVisConfig.text(config(folder, ModelPart.TEXT));
        try {
            return new ModelConfig(unet, vae, text);
        } catch (IllegalArgumentException e) {
            throw new CheckpointFormatException(folder + ": " + e.getMessage(), e);
        }
    }

    private static ConfigNode config(Path folder, ModelPart part) throws IOException {
        return ConfigNode.json(folder.resolve(part.folder()).resolve("config.json"));
    }

    private static UNetConfig unet(ConfigNode node) throws CheckpointFormatException {
        requireSd1Variant(node);
        List<Integer> channels = node.integers("block_out_channels");
        List<String> levels = node.strings("down_block_types");
        Set<Integer> attention = node.build(() -> attention(levels));
        int in = node.integer("in_channels");
        int out = node.integer("out_channels");
        int resBlocks = node.integer("layers_per_block");
        // Misnamed in that library: for these models it is the number of heads.
        int heads =
                node.has("num_attention_heads")
                        ? node.integer("num_attention_heads")
                        : node.integer("attention_head_dim", USUAL_HEADS);
        int depth = node.integer("transformer_layers_per_block", 1);
        int context = node.integer("cross_attention_dim");
        int groups = node.integer("norm_num_groups", TensorConfig.USUAL_GROUPS);
        int size = node.integer("sample_size", SD_LATENT_SIZE);
        return node.build(
                () ->
                        new UNetConfig(
                                in,
                                out,
                                unit(channels),
                                multiples(channels),
                                resBlocks,
                                attention,
                                heads,
                                depth,
                                context,
                                groups,
                                size));
    }

    private static void requireSd1Variant(ConfigNode node) throws CheckpointFormatException {
        node.requireIfPresent("act_fn", "silu");
        node.requireIfPresent("center_input_sample", "false");
        node.requireIfPresent("flip_sin_to_cos", "true");
        node.requireIfPresent("freq_shift", "0");
        node.requireIfPresent("downsample_padding", "1");
        node.requireIfPresent("dual_cross_attention", "false");
        node.requireIfPresent("only_cross_attention", "false");
        node.requireIfPresent("mid_block_type", "UNetMidBlock2DCrossAttn");
        node.requireIfPresent("resnet_time_scale_shift", "default");
        node.requireIfPresent("use_linear_projection", "false");
        node.requireAbsent(Set.of("class_embed_type", "addition_embed_type", "time_cond_proj_dim"));
    }

    private static VaeConfig vae(ConfigNode node, int latentSize) throws CheckpointFormatException {
        node.requireIfPresent("act_fn", "silu");
        List<Integer> channels = node.integers("block_out_channels");
        int resBlocks = node.integer("layers_per_block");
        int latent = node.integer("latent_channels");
        int in = node.integer("in_channels");
        int out = node.integer("out_channels");
        int groups = node.integer("norm_num_groups", TensorConfig.USUAL_GROUPS);
        return node.build(
                () ->
                        new VaeConfig(
                                unit(channels),
                                multiples(channels),
                                resBlocks,
                                latent,
                                latent,
                                in,
                                out,
                                groups,
                                latentSize));
    }

    private static Set<Integer> attention(List<String> levels) {
        Set<Integer> attention = new HashSet<>();
        for (int level = 0; level < levels.size(); level++) {
            switch (levels.get(level)) {
                case ATTENTION_LEVEL -> attention.add(1 << level);
                case PLAIN_LEVEL -> {}
                default ->
                        throw new IllegalArgumentException(
                                "down_block_types has %s; expected %s or %s"
                                        .formatted(
                                                levels.get(level), ATTENTION_LEVEL, PLAIN_LEVEL));
            }
        }
        return attention;
    }

    private static List<Integer> multiples(List<Integer> channels) {
        int unit = unit(channels);
        return channels.stream().map(level -> level / unit).toList();
    }

    private static int unit(List<Integer> channels) {
        int unit = channels.isEmpty() ? 0 : channels.get(0);
        if (unit < 1 || channels.stream().anyMatch(level -> level % unit != 0)) {
            throw new IllegalArgumentException(
                    "block_out_channels are %s; expected multiples of the first"
                            .formatted(channels));
        }
        return unit;
    }
}
