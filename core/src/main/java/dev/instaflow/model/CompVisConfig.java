package dev.instaflow.model;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.VaeConfig;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Sizes under CompVis' names, as in {@code v1-inference.yaml}. */
final class CompVisConfig {
    private static final int SD_LATENT_SIZE = 64;

    private CompVisConfig() {}

    static ModelConfig read(ConfigNode root) throws CheckpointFormatException {
        ConfigNode params = root.object("model").object("params");
        int latentSize = params.integer("image_size", SD_LATENT_SIZE);
        UNetConfig unet = unet(params.object("unet_config").object("params"), latentSize);
        VaeConfig vae =
                firstStage(params.object("first_stage_config").object("params"), latentSize);
        ConfigNode condStage = params.object("cond_stage_config");
        ClipTextConfig text =
                condStage.has("params") && condStage.object("params").has("hidden_size")
                        ? text(condStage.object("params"))
                        : ClipTextConfig.sd15();
        return root.build(() -> new ModelConfig(unet, vae, text));
    }

    static UNetConfig unet(ConfigNode node, int latentSize) throws CheckpointFormatException {
        node.requireIfPresent("use_spatial_transformer", "true");
        node.requireIfPresent("use_scale_shift_norm", "false");
        node.requireIfPresent("resblock_updown", "false");
        node.requireIfPresent("conv_resample", "true");
        node.requireIfPresent("num_head_channels", "-1");
        node.requireIfPresent("dims", "2");
        node.requireAbsent(Set.of("num_classes", "adm_in_channels", "n_embed"));
        int in = node.integer("in_channels");
        int out = node.integer("out_channels");
        int channels = node.integer("model_channels");
        List<Integer> mult = node.integers("channel_mult");
        int resBlocks = node.integer("num_res_blocks");
        Set<Integer> attention = new HashSet<>(node.integers("attention_resolutions"));
        int heads = node.integer("num_heads");
        int depth = node.integer("transformer_depth", 1);
        int context = node.integer("context_dim");
        int groups = node.integer("norm_groups", TensorConfig.USUAL_GROUPS);
        return node.build(
                () ->
                        new UNetConfig(
                                in,
                                out,
                                channels,
                                mult,
                                resBlocks,
                                attention,
                                heads,
                                depth,
                                context,
                                groups,
                                latentSize));
    }

    private static VaeConfig firstStage(ConfigNode node, int latentSize)
            throws CheckpointFormatException {
        return vae(node.object("ddconfig"), node.integer("embed_dim"), latentSize);
    }

    static VaeConfig vae(ConfigNode node, int embedDim, int latentSize)
            throws CheckpointFormatException {
        node.requireIfPresent("double_z", "true");
        if (node.has("attn_resolutions") && !node.integers("attn_resolutions").isEmpty()) {
            node.requireAbsent(Set.of("attn_resolutions"));
        }
        int channels = node.integer("ch");
        List<Integer> mult = node.integers("ch_mult");
        int resBlocks = node.integer("num_res_blocks");
        int z = node.integer("z_channels");
        int in = node.integer("in_channels");
        int out = node.integer("out_ch");
        int groups = node.integer("norm_groups", TensorConfig.USUAL_GROUPS);
        return node.build(
                () ->
                        new VaeConfig(
                                channels,
                                mult,
                                resBlocks,
                                z,
                                embedDim,
                                in,
                                out,
                                groups,
                                latentSize));
    }

    /** Sizes under transformers' names, here and in a diffusers folder. */
    static ClipTextConfig text(ConfigNode node) throws CheckpointFormatException {
        node.requireIfPresent("hidden_act", "quick_gelu");
        int vocabulary = node.integer("vocab_size");
        int width = node.integer("hidden_size");
        int layers = node.integer("num_hidden_layers");
        int heads = node.integer("num_attention_heads");
        int intermediate = node.integer("intermediate_size");
        int maxLength = node.integer("max_position_embeddings");
        float eps = node.number("layer_norm_eps", ClipTextConfig.EPS);
        return node.build(
                () ->
                        new ClipTextConfig(
                                vocabulary, width, layers, heads, intermediate, maxLength, eps));
    }
}
