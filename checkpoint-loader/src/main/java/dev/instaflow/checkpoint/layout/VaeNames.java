package dev.instaflow.checkpoint.layout;

import java.util.Collection;
import java.util.Map;
import java.util.Optional;

/**
 * VAE names. CompVis counts the decoder's levels from the highest resolution, diffusers in the
 * order in which they run: {@code up.l} is {@code up_blocks.(levels - 1 - l)}. The attention in the
 * middle has had two namings in diffusers; which one a model uses is read off its names.
 */
final class VaeNames implements PartNames {
    private static final Map<String, String> RESNET =
            Map.of(
                    "norm1", "norm1",
                    "conv1", "conv1",
                    "norm2", "norm2",
                    "conv2", "conv2",
                    "nin_shortcut", "conv_shortcut");
    private static final Map<String, String> RESNET_BACK = PartNames.inverse(RESNET);
    private static final Map<String, String> SIDE =
            Map.of("conv_in", "conv_in", "norm_out", "conv_norm_out", "conv_out", "conv_out");
    private static final Map<String, String> SIDE_BACK = PartNames.inverse(SIDE);

    /** {@code group_norm, to_q, …}: diffusers 0.15 (2023) and later. */
    private static final Map<String, String> ATTENTION =
            Map.of(
                    "norm", "group_norm",
                    "q", "to_q",
                    "k", "to_k",
                    "v", "to_v",
                    "proj_out", "to_out.0");

    /** {@code group_norm, query, …}: before that, and in every file published then. */
    private static final Map<String, String> OLD_ATTENTION =
            Map.of(
                    "norm", "group_norm",
                    "q", "query",
                    "k", "key",
                    "v", "value",
                    "proj_out", "proj_attn");

    private final int decoderLevels;
    private final Map<String, String> attention;
    private final Map<String, String> attentionBack;

    private VaeNames(int decoderLevels, Map<String, String> attention) {
        this.decoderLevels = decoderLevels;
        this.attention = attention;
        this.attentionBack = PartNames.inverse(attention);
    }

    static VaeNames fromCompVis(Collection<String> names) {
        return new VaeNames(BlockNumber.count(names, "decoder.up."), ATTENTION);
    }

    static VaeNames fromDiffusers(Collection<String> names) {
        boolean old =
                names.contains("decoder.mid_block.attentions.0.query.weight")
                        || names.contains("encoder.mid_block.attentions.0.query.weight");
        return new VaeNames(
                BlockNumber.count(names, "decoder.up_blocks."), old ? OLD_ATTENTION : ATTENTION);
    }

    @Override
    public Optional<String> toDiffusers(String name) {
        if (isQuantConv(name)) {
            return Optional.of(name);
        }
        String side = side(name);
        String rest = name.substring(side.length());
        if (side.isEmpty()) {
            return Optional.empty();
        }
        return PartNames.renamed(SIDE, rest)
                .or(() -> middleToDiffusers(rest))
                .or(() -> levelToDiffusers(side, rest))
                .map(to -> side + to);
    }

    private Optional<String> middleToDiffusers(String rest) {
        if (rest.startsWith("mid.attn_1.")) {
            return PartNames.renamed(attention, rest.substring("mid.attn_1.".length()))
                    .map(to -> "mid_block.attentions.0." + to);
        }
        if (rest.startsWith("mid.block_1.") || rest.startsWith("mid.block_2.")) {
            int block = rest.charAt("mid.block_".length()) - '1';
            return PartNames.renamed(RESNET, rest.substring("mid.block_1.".length()))
                    .map(to -> "mid_block.resnets." + block + "." + to);
        }
        return Optional.empty();
    }

    private Optional<String> levelToDiffusers(String side, String rest) {
        boolean encoder = side.equals("encoder.");
        String[] p = rest.split("\\.", 4);
        int level = p.length == 4 ? diffusersLevel(encoder, p[1]) : BlockNumber.NONE;
        if (level < 0 || !p[0].equals(encoder ? "down" : "up")) {
            return Optional.empty();
        }
        String to = (encoder ? "down_blocks." : "up_blocks.") + level + ".";
        String resampler = encoder ? "downsample" : "upsample";
        if (p[2].equals(resampler)) {
            return PartNames.renamed(Map.of("conv", resampler + "rs.0.conv"), p[3])
                    .map(tail -> to + tail);
        }
        String[] block = p[3].split("\\.", 2);
        if (!p[2].equals("block") || block.length < 2 || BlockNumber.parse(block[0]) < 0) {
            return Optional.empty();
        }
        return PartNames.renamed(RESNET, block[1])
                .map(tail -> to + "resnets." + block[0] + "." + tail);
    }

    @Override
    public Optional<String> toCompVis(String name) {
        if (isQuantConv(name)) {
            return Optional.of(name);
        }
        String side = side(name);
        String rest = name.substring(side.length());
        if (side.isEmpty()) {
            return Optional.empty();
        }
        return PartNames.renamed(SIDE_BACK, rest)
                .or(() -> middleToCompVis(rest))
                .or(() -> levelToCompVis(side, rest))
                .map(to -> side + to);
    }

    private Optional<String> middleToCompVis(String rest) {
        if (rest.startsWith("mid_block.attentions.0.")) {
            return PartNames.renamed(
                            attentionBack, rest.substring("mid_block.attentions.0.".length()))
                    .map(to -> "mid.attn_1." + to);
        }
        if (rest.startsWith("mid_block.resnets.0.") || rest.startsWith("mid_block.resnets.1.")) {
            int block = rest.charAt("mid_block.resnets.".length()) - '0' + 1;
            return PartNames.renamed(RESNET_BACK, rest.substring("mid_block.resnets.0.".length()))
                    .map(to -> "mid.block_" + block + "." + to);
        }
        return Optional.empty();
    }

    private Optional<String> levelToCompVis(String side, String rest) {
        boolean encoder = side.equals("encoder.");
        String[] p = rest.split("\\.", 5);
        int level = p.length == 5 ? diffusersLevel(encoder, p[1]) : BlockNumber.NONE;
        int block = p.length == 5 ? BlockNumber.parse(p[3]) : BlockNumber.NONE;
        if (level < 0 || block < 0 || !p[0].equals(encoder ? "down_blocks" : "up_blocks")) {
            return Optional.empty();
        }
        String to = (encoder ? "down." : "up.") + level + ".";
        String resampler = encoder ? "downsample" : "upsample";
        if (p[2].equals(resampler + "rs") && block == 0) {
            return PartNames.renamed(Map.of("conv", resampler + ".conv"), p[4])
                    .map(tail -> to + tail);
        }
        return p[2].equals("resnets")
                ? PartNames.renamed(RESNET_BACK, p[4])
                        .map(tail -> to + "block." + block + "." + tail)
                : Optional.empty();
    }

    /** The level's number in the other naming: the decoder's levels are counted backwards. */
    private int diffusersLevel(boolean encoder, String number) {
        int level = BlockNumber.parse(number);
        return encoder || level == BlockNumber.NONE ? level : decoderLevels - 1 - level;
    }

    private static boolean isQuantConv(String name) {
        return name.startsWith("quant_conv.") || name.startsWith("post_quant_conv.");
    }

    private static String side(String name) {
        if (name.startsWith("encoder.")) {
            return "encoder.";
        }
        return name.startsWith("decoder.") ? "decoder." : "";
    }
}
