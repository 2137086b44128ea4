package dev.instaflow.checkpoint.layout;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;

/**
 * The sizes of a U-Net that its tensors' shapes tell. The number of attention heads is not among
 * them: it comes from a configuration, or is Stable Diffusion's 8.
 *
 * @param inChannels channels of the input: 4 latent ones, 9 for inpainting
 * @param outChannels channels of the output
 * @param modelChannels channels of the outermost level
 * @param channelMult channels of each level, outermost first, in units of {@code modelChannels}
 * @param numResBlocks residual blocks of a level on the way down; one more on the way up
 * @param attentionLevels the levels whose residual blocks are followed by a transformer, ascending;
 *     the middle block always has one
 * @param transformerDepth layers of a transformer
 * @param contextDim width of the text states: 768 for SD 1, 1024 for SD 2
 * @param projection how {@code proj_in} and {@code proj_out} are stored
 */
public record UNetShape(
        int inChannels,
        int outChannels,
        int modelChannels,
        List<Integer> channelMult,
        int numResBlocks,
        List<Integer> attentionLevels,
        int transformerDepth,
        int contextDim,
        Projection projection) {

    /** How a transformer's projections in and out are stored; the values are the same. */
    public enum Projection {
        /** [C,C,1,1]: SD 1. */
        CONV,
        /** [C,C]: SD 2. */
        LINEAR
    }

    /** Takes copies of the lists. */
    public UNetShape {
        channelMult = List.copyOf(channelMult);
        attentionLevels = List.copyOf(attentionLevels);
    }

    /**
     * The U-Net of Stable Diffusion 1.x and InstaFlow: CompVis' {@code v1-inference.yaml}.
     *
     * @return 686 tensors, 859,520,964 parameters
     */
    public static UNetShape sd15() {
        return new UNetShape(
                4, 4, 320, List.of(1, 2, 4, 4), 2, List.of(0, 1, 2), 1, 768, Projection.CONV);
    }

    /**
     * Width of the time embedding.
     *
     * @return four times the model channels
     */
    public int timeEmbedDim() {
        return Math.multiplyExact(4, modelChannels);
    }

    /**
     * Channels of a level.
     *
     * @param level 0 is the outermost
     * @return {@code modelChannels * channelMult[level]}
     */
    public int channels(int level) {
        return Math.multiplyExact(modelChannels, channelMult.get(level));
    }

    /**
     * Every tensor that a U-Net of these sizes has.
     *
     * @return CompVis names, in the order of CompVis' state_dict
     */
    public List<TensorSpec> tensors() {
        SpecList list = new SpecList(ModelPart.UNET.compVisPrefix());
        list.layer("time_embed.0", timeEmbedDim(), modelChannels);
        list.layer("time_embed.2", timeEmbedDim(), timeEmbedDim());
        List<Integer> skips = inputBlocks(list);
        int inner = channels(channelMult.size() - 1);
        resBlock(list, "middle_block.0", inner, inner);
        transformer(list, "middle_block.1", inner);
        resBlock(list, "middle_block.2", inner, inner);
        outputBlocks(list, skips);
        list.layer("out.0", modelChannels);
        list.conv("out.2", modelChannels, outChannels, 3);
        return list.list();
    }

    /** Adds the way down and returns the channels of what each block hands to the way up. */
    private List<Integer> inputBlocks(SpecList list) {
        List<Integer> skips = new ArrayList<>();
        list.conv("input_blocks.0.0", inChannels, modelChannels, 3);
        skips.add(modelChannels);
        int c = modelChannels;
        for (int level = 0; level < channelMult.size(); level++) {
            for (int j = 0; j < numResBlocks; j++) {
                String block = "input_blocks." + skips.size();
                resBlock(list, block + ".0", c, channels(level));
                c = channels(level);
                if (attentionLevels.contains(level)) {
                    transformer(list, block + ".1", c);
                }
                skips.add(c);
            }
            if (level < channelMult.size() - 1) {
                list.conv("input_blocks." + skips.size() + ".0.op", c, c, 3);
                skips.add(c);
            }
        }
        return skips;
    }

    private void outputBlocks(SpecList list, List<Integer> skips) {
        int c = channels(channelMult.size() - 1);
        int i = 0;
        for (int level = channelMult.size() - 1; level >= 0; level--) {
            for (int j = 0; j <= numResBlocks; j++, i++) {
                String block = "output_blocks." + i;
                resBlock(list, block + ".0", c + skips.get(skips.size() - 1 - i), channels(level));
                c = channels(level);
                boolean attends = attentionLevels.contains(level);
                if (attends) {
                    transformer(list, block + ".1", c);
                }
                if (level > 0 && j == numResBlocks) {
                    list.conv(block + (attends ? ".2.conv" : ".1.conv"), c, c, 3);
                }
            }
        }
    }

    private void resBlock(SpecList list, String block, int in, int out) {
        list.layer(block + ".in_layers.0", in);
        list.conv(block + ".in_layers.2", in, out, 3);
        list.layer(block + ".emb_layers.1", out, timeEmbedDim());
        list.layer(block + ".out_layers.0", out);
        list.conv(block + ".out_layers.3", out, out, 3);
        if (in != out) {
            list.conv(block + ".skip_connection", in, out, 1);
        }
    }

    private void transformer(SpecList list, String block, int c) {
        list.layer(block + ".norm", c);
        project(list, block + ".proj_in", c);
        for (int depth = 0; depth < transformerDepth; depth++) {
            String layer = block + ".transformer_blocks." + depth;
            attention(list, layer + ".attn1", c, c);
            list.layer(layer + ".ff.net.0.proj", 8L * c, c);
            list.layer(layer + ".ff.net.2", c, 4L * c);
            attention(list, layer + ".attn2", c, contextDim);
            for (int norm = 1; norm <= 3; norm++) {
                list.layer(layer + ".norm" + norm, c);
            }
        }
        project(list, block + ".proj_out", c);
    }

    private void project(SpecList list, String module, int c) {
        switch (projection) {
            case CONV -> list.conv(module, c, c, 1);
            case LINEAR -> list.layer(module, c, c);
        }
    }

    private static void attention(SpecList list, String module, int c, int keysFrom) {
        list.weight(module + ".to_q", c, c);
        list.weight(module + ".to_k", c, keysFrom);
        list.weight(module + ".to_v", c, keysFrom);
        list.layer(module + ".to_out.0", c, c);
    }

    /** Reads the sizes off bare CompVis names; empty where the decisive ones are missing. */
    static Optional<UNetShape> derive(PartTensors unet) {
        OptionalInt in = unet.size("input_blocks.0.0.weight", 1);
        OptionalInt channels = unet.size("input_blocks.0.0.weight", 0);
        OptionalInt out = unet.size("out.2.weight", 0);
        OptionalInt context = contextDim(unet);
        if (in.isEmpty() || channels.isEmpty() || out.isEmpty() || context.isEmpty()) {
            return Optional.empty();
        }
        UNetBlocks blocks = UNetBlocks.fromCompVis(unet.names());
        if (blocks.levels() > PartTensors.MOST_LEVELS) {
            return Optional.empty();
        }
        List<Integer> mult = new ArrayList<>();
        TreeSet<Integer> attention = new TreeSet<>();
        int resBlocks = 0;
        for (int level = 0; level < blocks.levels(); level++) {
            OptionalInt width = OptionalInt.empty();
            for (int j = 0; j < blocks.inputCount(level); j++) {
                String block = "input_blocks." + blocks.inputIndex(new UNetBlocks.Place(level, j));
                width = width.isPresent() ? width : unet.size(block + ".0.out_layers.3.weight", 0);
                if (unet.has(block + ".1.")) {
                    attention.add(level);
                }
            }
            if (width.isEmpty() || width.getAsInt() % channels.getAsInt() != 0) {
                return Optional.empty();
            }
            mult.add(width.getAsInt() / channels.getAsInt());
            resBlocks = Math.max(resBlocks, blocks.inputCount(level));
        }
        int depth = Math.max(1, unet.run("middle_block.1.transformer_blocks."));
        boolean linear =
                unet.shapes().getOrDefault("middle_block.1.proj_in.weight", List.of()).size() == 2;
        return Optional.of(
                new UNetShape(
                        in.getAsInt(),
                        out.getAsInt(),
                        channels.getAsInt(),
                        mult,
                        resBlocks,
                        List.copyOf(attention),
                        depth,
                        context.getAsInt(),
                        linear ? Projection.LINEAR : Projection.CONV));
    }

    private static OptionalInt contextDim(PartTensors unet) {
        return unet.names().stream()
                .filter(name -> name.endsWith(".attn2.to_k.weight"))
                .sorted()
                .findFirst()
                .map(name -> unet.size(name, 1))
                .orElse(OptionalInt.empty());
    }
}
