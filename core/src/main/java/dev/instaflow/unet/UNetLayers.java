package dev.instaflow.unet;

import dev.instaflow.nn.Conv2d;
import dev.instaflow.nn.NormedConv;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Lays out the blocks as CompVis' {@code UNetModel} does, taking weights in file order.
 *
 * @param time the time embedding
 * @param input the way down
 * @param middle the lowest level
 * @param output the way up, as many blocks as {@code input}: the last input block's output is the
 *     first output block's skip, and so on
 * @param out the head
 */
record UNetLayers(
        TimeEmbedding time,
        List<UNetBlock> input,
        UNetBlock middle,
        List<UNetBlock> output,
        NormedConv out) {

    static UNetLayers load(Weights weights, UNetConfig config) {
        return new Builder(weights, config).build();
    }

    /** Follows the channels and the resolution from block to block. */
    private static final class Builder {
        private final Weights weights;
        private final UNetConfig config;
        private final Deque<Integer> skipChannels = new ArrayDeque<>();
        private final List<UNetBlock> blocks = new ArrayList<>();
        private int channels;
        private int reduction = 1;

        Builder(Weights weights, UNetConfig config) {
            this.weights = weights;
            this.config = config;
        }

        UNetLayers build() {
            TimeEmbedding time = TimeEmbedding.load(weights.under("time_embed"), config);
            List<UNetBlock> input = inputBlocks();
            UNetBlock middle = middleBlock();
            List<UNetBlock> output = outputBlocks();
            GroupNormSpec norm =
                    new GroupNormSpec(config.normGroups(), ResBlock.EPS, Activation.SILU);
            NormedConv out =
                    NormedConv.load(
                            weights.under("out.0"),
                            weights.under("out.2"),
                            norm,
                            channels,
                            config.outChannels(),
                            sizeHint());
            return new UNetLayers(time, input, middle, output, out);
        }

        private List<UNetBlock> inputBlocks() {
            channels = config.inChannels();
            Conv2d first = conv("input_blocks.0.0", ConvSpec.SAME_3X3, config.modelChannels());
            channels = config.modelChannels();
            addInput(List.of((ops, x, step) -> first.forward(ops, x)));
            int lowest = config.channelMult().size() - 1;
            for (int level = 0; level <= lowest; level++) {
                for (int i = 0; i < config.resBlocks(); i++) {
                    String name = "input_blocks." + blocks.size();
                    addInput(resAndAttention(name, channels, config.channels(level)));
                }
                if (level < lowest) {
                    String name = "input_blocks." + blocks.size() + ".0.op";
                    Conv2d down = conv(name, ConvSpec.DOWN_SYMMETRIC, channels);
                    addInput(List.of((ops, x, step) -> down.forward(ops, x)));
                    reduction *= 2;
                }
            }
            return takeBlocks();
        }

        private void addInput(List<StepLayer> layers) {
            skipChannels.push(channels);
            blocks.add(
                    new UNetBlock("unet.input_blocks." + blocks.size(), layers, Optional.empty()));
        }

        private UNetBlock middleBlock() {
            Weights middle = weights.under("middle_block");
            return new UNetBlock(
                    "unet.middle_block",
                    List.of(
                            res(middle.under("0"), channels, channels),
                            SpatialTransformer.load(middle.under("1"), config, channels),
                            res(middle.under("2"), channels, channels)),
                    Optional.empty());
        }

        private List<UNetBlock> outputBlocks() {
            for (int level = config.channelMult().size() - 1; level >= 0; level--) {
                for (int i = 0; i <= config.resBlocks(); i++) {
                    String name = "output_blocks." + blocks.size();
                    List<StepLayer> layers =
                            resAndAttention(
                                    name, channels + skipChannels.pop(), config.channels(level));
                    Optional<Conv2d> upsample = Optional.empty();
                    if (level > 0 && i == config.resBlocks()) {
                        reduction /= 2;
                        // Its index depends on whether an attention stands before it.
                        String conv = name + '.' + layers.size() + ".conv";
                        upsample = Optional.of(conv(conv, ConvSpec.SAME_3X3, channels));
                    }
                    blocks.add(new UNetBlock("unet." + name, layers, upsample));
                }
            }
            return takeBlocks();
        }

        private List<StepLayer> resAndAttention(String name, int in, int out) {
            List<StepLayer> layers = new ArrayList<>();
            layers.add(res(weights.under(name + ".0"), in, out));
            channels = out;
            if (config.attentionResolutions().contains(reduction)) {
                layers.add(SpatialTransformer.load(weights.under(name + ".1"), config, out));
            }
            return layers;
        }

        private ResBlock res(Weights block, int in, int out) {
            return ResBlock.load(block, config, in, out, sizeHint());
        }

        private Conv2d conv(String name, ConvSpec spec, int out) {
            return Conv2d.load(weights.under(name), spec, channels, out, sizeHint());
        }

        private int sizeHint() {
            return Math.max(1, config.sampleSize() / reduction);
        }

        private List<UNetBlock> takeBlocks() {
            List<UNetBlock> taken = List.copyOf(blocks);
            blocks.clear();
            return taken;
        }
    }
}
