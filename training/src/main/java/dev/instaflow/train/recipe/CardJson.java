package dev.instaflow.train.recipe;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.image.ColorFormat;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.model.RequestLimits;
import dev.instaflow.sampler.Prediction;
import dev.instaflow.sampler.TimeLabelRule;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.VaeConfig;
import java.util.Collection;
import java.util.Locale;

/** Model cards as JSON, for models that come without one. The opposite of {@code ModelCardReader}. */
final class CardJson {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private CardJson() {}

    static ObjectNode of(ModelCard card, ModelConfig config) {
        ObjectNode root = MAPPER.createObjectNode();
        root.put("name", card.identity().name());
        root.put("description", card.identity().description());
        root.put("license", card.identity().license());
        root.put("prediction", card.traits().prediction().label());
        if (card.traits().prediction() == Prediction.FLOW) {
            root.put("timeLabel", label(card.traits().timeLabelRule()));
        }
        root.put("latentScale", card.latentScale().factor());
        RequestLimits limits = card.limits();
        ObjectNode steps = root.putObject("allowedSteps");
        steps.put("min", limits.minSteps());
        steps.put("max", limits.maxSteps());
        steps.put("default", limits.defaultSteps());
        ObjectNode guidance = root.putObject("guidance");
        guidance.put("max", limits.maxGuidance());
        guidance.put("default", limits.defaultGuidance());
        root.putArray("imageSize").add(card.image().height()).add(card.image().width());
        boolean rgb = card.image().color() == ColorFormat.RGB;
        root.put("color", rgb ? "rgb" : "rgba-premultiplied");
        root.set("config", config(config));
        return root;
    }

    static String label(TimeLabelRule rule) {
        return rule.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static ObjectNode config(ModelConfig config) {
        ObjectNode root = MAPPER.createObjectNode();
        UNetConfig unet = config.unet();
        ObjectNode u = root.putObject("unet");
        u.put("in_channels", unet.inChannels());
        u.put("out_channels", unet.outChannels());
        u.put("model_channels", unet.modelChannels());
        addAll(u.putArray("channel_mult"), unet.channelMult());
        u.put("num_res_blocks", unet.resBlocks());
        addAll(
                u.putArray("attention_resolutions"),
                unet.attentionResolutions().stream().sorted().toList());
        u.put("num_heads", unet.heads());
        u.put("transformer_depth", unet.transformerDepth());
        u.put("context_dim", unet.contextDim());
        u.put("norm_groups", unet.normGroups());
        VaeConfig vae = config.vae();
        ObjectNode v = root.putObject("vae");
        v.put("ch", vae.channels());
        addAll(v.putArray("ch_mult"), vae.channelMult());
        v.put("num_res_blocks", vae.resBlocks());
        v.put("in_channels", vae.inChannels());
        v.put("out_ch", vae.outChannels());
        v.put("z_channels", vae.zChannels());
        v.put("embed_dim", vae.embedDim());
        v.put("norm_groups", vae.normGroups());
        ClipTextConfig text = config.text();
        ObjectNode t = root.putObject("text");
        t.put("vocab_size", text.vocabulary());
        t.put("width", text.width());
        t.put("layers", text.layers());
        t.put("heads", text.heads());
        t.put("max_length", text.maxLength());
        return root;
    }

    private static void addAll(ArrayNode list, Collection<Integer> values) {
        values.forEach(list::add);
    }
}
