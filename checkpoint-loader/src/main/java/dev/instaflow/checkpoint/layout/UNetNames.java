package dev.instaflow.checkpoint.layout;

import dev.instaflow.checkpoint.layout.UNetBlocks.Place;
import java.util.Map;
import java.util.Optional;

/** U-Net names; the mapping is that of diffusers' {@code convert_from_ckpt.py}. */
final class UNetNames implements PartNames {
    private static final Map<String, String> ENDS =
            Map.of(
                    "time_embed.0", "time_embedding.linear_1",
                    "time_embed.2", "time_embedding.linear_2",
                    "input_blocks.0.0", "conv_in",
                    "out.0", "conv_norm_out",
                    "out.2", "conv_out");
    private static final Map<String, String> MIDDLE =
            Map.of(
                    "middle_block.0", "mid_block.resnets.0",
                    "middle_block.1", "mid_block.attentions.0",
                    "middle_block.2", "mid_block.resnets.1");
    private static final Map<String, String> RESNET =
            Map.of(
                    "in_layers.0", "norm1",
                    "in_layers.2", "conv1",
                    "emb_layers.1", "time_emb_proj",
                    "out_layers.0", "norm2",
                    "out_layers.3", "conv2",
                    "skip_connection", "conv_shortcut");
    private static final Map<String, String> ATTENTION =
            Map.of(
                    "norm", "norm",
                    "proj_in", "proj_in",
                    "transformer_blocks", "transformer_blocks",
                    "proj_out", "proj_out");
    private static final Map<String, String> ENDS_BACK = PartNames.inverse(ENDS);
    private static final Map<String, String> MIDDLE_BACK = PartNames.inverse(MIDDLE);
    private static final Map<String, String> RESNET_BACK = PartNames.inverse(RESNET);

    private final UNetBlocks blocks;

    UNetNames(UNetBlocks blocks) {
        this.blocks = blocks;
    }

    @Override
    public Optional<String> toDiffusers(String name) {
        Optional<String> end = PartNames.renamed(ENDS, name);
        if (end.isPresent()) {
            return end;
        }
        String[] p = name.split("\\.", 4);
        if (name.startsWith("middle_block.") && p.length > 2) {
            return middle(name, MIDDLE, p[1].equals("1") ? ATTENTION : RESNET);
        }
        int i = p.length == 4 ? BlockNumber.parse(p[1]) : BlockNumber.NONE;
        if (i == BlockNumber.NONE) {
            return Optional.empty();
        }
        return switch (p[0]) {
            case "input_blocks" -> i == 0 ? Optional.empty() : inputToDiffusers(i, p[2], p[3]);
            case "output_blocks" -> outputToDiffusers(i, p[2], p[3]);
            default -> Optional.empty();
        };
    }

    private Optional<String> inputToDiffusers(int i, String module, String rest) {
        Place place = blocks.input(i);
        String level = "down_blocks." + place.level();
        if (module.equals("0") && rest.startsWith("op.")) {
            boolean last = place.index() == blocks.inputCount(place.level());
            String to = level + ".downsamplers.0.conv" + rest.substring("op".length());
            return last ? Optional.of(to) : Optional.empty();
        }
        return inner(level, place, module, rest);
    }

    private Optional<String> outputToDiffusers(int i, String module, String rest) {
        Place place = blocks.output(i);
        String level = "up_blocks." + place.level();
        if (rest.startsWith("conv.")) {
            boolean expected =
                    i == blocks.upsamplerIndex(place.level())
                            && module.equals(Integer.toString(blocks.upsamplerSlot(i)));
            String to = level + ".upsamplers.0." + rest;
            return expected ? Optional.of(to) : Optional.empty();
        }
        return inner(level, place, module, rest);
    }

    private static Optional<String> inner(String level, Place place, String module, String rest) {
        return switch (module) {
            case "0" -> prefixed(level + ".resnets." + place.index(), RESNET, rest);
            case "1" -> prefixed(level + ".attentions." + place.index(), ATTENTION, rest);
            default -> Optional.empty();
        };
    }

    @Override
    public Optional<String> toCompVis(String name) {
        Optional<String> end = PartNames.renamed(ENDS_BACK, name);
        if (end.isPresent()) {
            return end;
        }
        if (name.startsWith("mid_block.")) {
            boolean attention = name.startsWith("mid_block.attentions.");
            return middle(name, MIDDLE_BACK, attention ? ATTENTION : RESNET_BACK);
        }
        String[] p = name.split("\\.", 5);
        int level = p.length == 5 ? BlockNumber.parse(p[1]) : BlockNumber.NONE;
        int j = p.length == 5 ? BlockNumber.parse(p[3]) : BlockNumber.NONE;
        if (level == BlockNumber.NONE || j == BlockNumber.NONE) {
            return Optional.empty();
        }
        return switch (p[0]) {
            case "down_blocks" -> inputToCompVis(new Place(level, j), p[2], p[4]);
            case "up_blocks" -> outputToCompVis(new Place(level, j), p[2], p[4]);
            default -> Optional.empty();
        };
    }

    private Optional<String> inputToCompVis(Place place, String kind, String rest) {
        if (kind.equals("downsamplers")) {
            int i = blocks.inputIndex(new Place(place.level(), blocks.inputCount(place.level())));
            return resampler(place, rest, "input_blocks." + i + ".0.op");
        }
        return innerBack("input_blocks." + blocks.inputIndex(place), kind, rest);
    }

    private Optional<String> outputToCompVis(Place place, String kind, String rest) {
        if (kind.equals("upsamplers")) {
            int i = blocks.upsamplerIndex(place.level());
            String to = "output_blocks." + i + "." + blocks.upsamplerSlot(i) + ".conv";
            return resampler(place, rest, to);
        }
        return innerBack("output_blocks." + blocks.outputIndex(place), kind, rest);
    }

    private static Optional<String> resampler(Place place, String rest, String to) {
        return place.index() == 0 ? PartNames.renamed(Map.of("conv", to), rest) : Optional.empty();
    }

    private static Optional<String> innerBack(String block, String kind, String rest) {
        return switch (kind) {
            case "resnets" -> prefixed(block + ".0", RESNET_BACK, rest);
            case "attentions" -> prefixed(block + ".1", ATTENTION, rest);
            default -> Optional.empty();
        };
    }

    /** Both halves of a middle name: the block by {@code blocks}, what is inside it by {@code in}. */
    private static Optional<String> middle(
            String name, Map<String, String> blocks, Map<String, String> in) {
        for (Map.Entry<String, String> block : blocks.entrySet()) {
            if (name.startsWith(block.getKey() + ".")) {
                return prefixed(block.getValue(), in, name.substring(block.getKey().length() + 1));
            }
        }
        return Optional.empty();
    }

    private static Optional<String> prefixed(
            String prefix, Map<String, String> table, String rest) {
        return PartNames.renamed(table, rest).map(inner -> prefix + "." + inner);
    }
}
