package dev.instaflow.checkpoint.convert;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.layout.TextShape;
import dev.instaflow.checkpoint.layout.UNetShape;
import dev.instaflow.checkpoint.layout.VaeShape;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * The JSON files of a diffusers folder. Keys and values are those that diffusers' own converter
 * writes for Stable Diffusion 1.x; keys that only repeat a default of diffusers are left out.
 */
final class DiffusersConfigs {
    /** The first diffusers whose converter wrote this layout. */
    private static final String DIFFUSERS_VERSION = "0.6.0";

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private DiffusersConfigs() {}

    static ObjectNode unet(UNetShape shape, NetworkSettings settings, int sampleSize) {
        ObjectNode config = head("UNet2DConditionModel");
        config.put("act_fn", "silu");
        // Misnamed in diffusers since its first release: this is the number of heads.
        config.put("attention_head_dim", settings.unetHeads());
        int levels = shape.channelMult().size();
        ArrayNode channels = config.putArray("block_out_channels");
        ArrayNode down = config.putArray("down_block_types");
        ArrayNode up = config.putArray("up_block_types");
        for (int level = 0; level < levels; level++) {
            channels.add(shape.channels(level));
            down.add(attends(shape, level) ? "CrossAttnDownBlock2D" : "DownBlock2D");
            up.add(attends(shape, levels - 1 - level) ? "CrossAttnUpBlock2D" : "UpBlock2D");
        }
        config.put("center_input_sample", false);
        config.put("cross_attention_dim", shape.contextDim());
        config.put("downsample_padding", 1);
        config.put("flip_sin_to_cos", true);
        config.put("freq_shift", 0);
        config.put("in_channels", shape.inChannels());
        config.put("layers_per_block", shape.numResBlocks());
        config.put("mid_block_scale_factor", 1);
        config.put("mid_block_type", "UNetMidBlock2DCrossAttn");
        config.put("norm_eps", 1e-5);
        config.put("norm_num_groups", settings.unetNormGroups());
        config.put("out_channels", shape.outChannels());
        config.put("sample_size", sampleSize);
        config.put("transformer_layers_per_block", shape.transformerDepth());
        config.put("use_linear_projection", shape.projection() == UNetShape.Projection.LINEAR);
        return config;
    }

    static ObjectNode vae(VaeShape shape, NetworkSettings settings, int sampleSize) {
        ObjectNode config = head("AutoencoderKL");
        config.put("act_fn", "silu");
        ArrayNode channels = config.putArray("block_out_channels");
        ArrayNode down = config.putArray("down_block_types");
        ArrayNode up = config.putArray("up_block_types");
        for (int level = 0; level < shape.chMult().size(); level++) {
            channels.add(shape.channels(level));
            down.add("DownEncoderBlock2D");
            up.add("UpDecoderBlock2D");
        }
        config.put("in_channels", shape.inChannels());
        config.put("latent_channels", shape.embedDim());
        config.put("layers_per_block", shape.numResBlocks());
        config.put("norm_num_groups", settings.vaeNormGroups());
        config.put("out_channels", shape.outChannels());
        config.put("sample_size", sampleSize * shape.factor());
        config.put("scaling_factor", settings.latentScale());
        return config;
    }

    static ObjectNode text(TextShape shape, NetworkSettings settings) {
        ObjectNode config = NODES.objectNode();
        config.putArray("architectures").add("CLIPTextModel");
        config.put("attention_dropout", 0.0);
        config.put("bos_token_id", 0);
        config.put("dropout", 0.0);
        config.put("eos_token_id", 2);
        config.put("hidden_act", "quick_gelu");
        config.put("hidden_size", shape.width());
        config.put("initializer_factor", 1.0);
        config.put("initializer_range", 0.02);
        config.put("intermediate_size", shape.intermediate());
        config.put("layer_norm_eps", 1e-5);
        config.put("max_position_embeddings", shape.maxLength());
        config.put("model_type", "clip_text_model");
        config.put("num_attention_heads", settings.textHeads());
        config.put("num_hidden_layers", shape.layers());
        config.put("pad_token_id", 1);
        config.put("vocab_size", shape.vocab());
        return config;
    }

    /** The schedule of Stable Diffusion; a flow ignores all of it. */
    static ObjectNode scheduler() {
        ObjectNode config = head("PNDMScheduler");
        config.put("beta_end", 0.012);
        config.put("beta_schedule", "scaled_linear");
        config.put("beta_start", 0.00085);
        config.put("num_train_timesteps", 1000);
        config.put("set_alpha_to_one", false);
        config.put("skip_prk_steps", true);
        config.put("steps_offset", 1);
        config.putNull("trained_betas");
        config.put("clip_sample", false);
        return config;
    }

    /** The list of what the folder holds; what it does not hold is listed as nothing. */
    static ObjectNode modelIndex(
            String pipeline, Collection<ModelPart> parts, Optional<Path> tokenizer) {
        ObjectNode index = head(pipeline);
        component(index, "feature_extractor", List.of());
        component(index, "safety_checker", List.of());
        index.put("requires_safety_checker", false);
        component(index, "scheduler", List.of("diffusers", "PNDMScheduler"));
        component(
                index,
                "tokenizer",
                tokenizer.isPresent() ? List.of("transformers", "CLIPTokenizer") : List.of());
        for (ModelPart part : ModelPart.values()) {
            List<String> type =
                    switch (part) {
                        case UNET -> List.of("diffusers", "UNet2DConditionModel");
                        case VAE -> List.of("diffusers", "AutoencoderKL");
                        case TEXT -> List.of("transformers", "CLIPTextModel");
                    };
            component(index, part.folder(), parts.contains(part) ? type : List.of());
        }
        return index;
    }

    private static boolean attends(UNetShape shape, int level) {
        return shape.attentionLevels().contains(level);
    }

    private static void component(ObjectNode index, String name, List<String> type) {
        ArrayNode pair = index.putArray(name);
        if (type.isEmpty()) {
            pair.addNull().addNull();
        } else {
            type.forEach(pair::add);
        }
    }

    private static ObjectNode head(String className) {
        ObjectNode node = NODES.objectNode();
        node.put("_class_name", className);
        node.put("_diffusers_version", DIFFUSERS_VERSION);
        return node;
    }
}
