package dev.instaflow.checkpoint.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.checkpoint.layout.FakeCheckpoint;
import dev.instaflow.checkpoint.layout.TensorSpec;
import dev.instaflow.checkpoint.layout.TextShape;
import dev.instaflow.checkpoint.layout.UNetShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What keys of published files mean to Stable Diffusion 1.5. */
class LoraNamesTest {
    private static final String UNET = "model.diffusion_model.";
    private static final String TEXT = "cond_stage_model.transformer.text_model.encoder.layers.";

    private static LoraTargets sd15() {
        List<TensorSpec> tensors = new ArrayList<>(UNetShape.sd15().tensors());
        tensors.addAll(TextShape.sd15().tensors());
        return LoraTargets.of(FakeCheckpoint.of(tensors));
    }

    private static Optional<String> target(String key) {
        return LoraKey.parse(key).flatMap(parsed -> sd15().find(parsed.module()));
    }

    // Keys as kohya-ss/sd-scripts networks/lora.py (02298e3) names them: lora_unet_ or lora_te_ and
    // the
    // diffusers module with underscores; with conv_dim also kernels of 3x3.
    @ParameterizedTest
    @CsvSource({
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q,"
                + "input_blocks.1.1.transformer_blocks.0.attn1.to_q",
        "lora_unet_down_blocks_2_attentions_1_transformer_blocks_0_attn2_to_out_0,"
                + "input_blocks.8.1.transformer_blocks.0.attn2.to_out.0",
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_ff_net_0_proj,"
                + "middle_block.1.transformer_blocks.0.ff.net.0.proj",
        "lora_unet_up_blocks_3_attentions_2_proj_out,output_blocks.11.1.proj_out",
        "lora_unet_down_blocks_0_downsamplers_0_conv,input_blocks.3.0.op",
        "lora_unet_up_blocks_0_upsamplers_0_conv,output_blocks.2.1.conv",
        "lora_unet_down_blocks_1_resnets_0_conv_shortcut,input_blocks.4.0.skip_connection",
        "lora_unet_up_blocks_1_resnets_2_time_emb_proj,output_blocks.5.0.emb_layers.1",
        "lora_unet_input_blocks_4_1_proj_in,input_blocks.4.1.proj_in"
    })
    void kohyasUnetNamesAreUnderstood(String key, String compVis) {
        Optional<String> expected = Optional.of(UNET + compVis + ".weight");
        assertEquals(expected, target(key + ".lora_down.weight"));
        assertEquals(expected, target(key + ".lora_up.weight"));
        assertEquals(expected, target(key + ".alpha"));
    }

    @Test
    void kohyasTextNamesAreUnderstood() {
        assertEquals(
                Optional.of(TEXT + "11.mlp.fc1.weight"),
                target("lora_te_text_model_encoder_layers_11_mlp_fc1.lora_up.weight"));
        assertEquals(
                Optional.of(TEXT + "0.self_attn.out_proj.weight"),
                target("lora_te_text_model_encoder_layers_0_self_attn_out_proj.alpha"));
    }

    // PEFT's own state dict; diffusers with PEFT; diffusers 0.23 lora_linear_layer; its attention
    // processors of 0.14 and those of its text encoder, monkey-patched, of 0.17.
    @ParameterizedTest
    @CsvSource({
        "unet.up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight,"
                + "U:output_blocks.3.1.transformer_blocks.0.attn2.to_k",
        "base_model.model.mid_block.attentions.0.proj_in.lora_B.default.weight,"
                + "U:middle_block.1.proj_in",
        "unet.down_blocks.0.resnets.1.conv2.lora_B.weight,U:input_blocks.2.0.out_layers.3",
        "unet.down_blocks.1.attentions.1.transformer_blocks.0.attn1.to_v.lora.down.weight,"
                + "U:input_blocks.5.1.transformer_blocks.0.attn1.to_v",
        "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight,"
                + "U:input_blocks.1.1.transformer_blocks.0.attn1.to_out.0",
        "text_encoder.text_model.encoder.layers.3.self_attn.q_proj.lora_linear_layer.down.weight,"
                + "T:3.self_attn.q_proj",
        "text_encoder.text_model.encoder.layers.3.self_attn.to_out_lora.up.weight,"
                + "T:3.self_attn.out_proj",
        "text_encoder.text_model.encoder.layers.3.self_attn.to_k_lora.up.weight,"
                + "T:3.self_attn.k_proj",
        "text_encoder.text_model.encoder.layers.9.mlp.fc2.lora_A.weight,T:9.mlp.fc2"
    })
    void namesOfDiffusersAndPeftAreUnderstood(String key, String compVis) {
        String prefix = compVis.startsWith("U:") ? UNET : TEXT;
        assertEquals(Optional.of(prefix + compVis.substring(2) + ".weight"), target(key));
    }

    @Test
    void otherKeysMeanNothing() {
        assertEquals(Optional.empty(), target("lora_unet_down_blocks_0_x.hada_w1_a"));
        assertEquals(
                Optional.empty(), target("lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha"));
        assertEquals(
                Optional.empty(),
                target("lora_unet_down_blocks_3_attentions_0_proj_in.lora_up.weight"));
    }

    @Test
    void everyMatrixAndKernelHasANameInBothFormats() {
        LoraTargets targets = sd15();
        for (LoraFormat format : LoraFormat.values()) {
            for (String weight : targets.shapes().keySet()) {
                String module = targets.moduleName(weight, format).orElseThrow();
                assertEquals(Optional.of(weight), targets.find(module), module);
            }
        }
        // 282 of the UNet's 686 tensors, and 6 in each of the text encoder's 12 layers.
        assertEquals(282 + 72, targets.shapes().size());
    }
}
