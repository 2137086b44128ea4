package dev.instaflow.vae;

import dev.instaflow.nn.Conv2d;
import dev.instaflow.nn.NormedConv;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.ConvSpec;

/** Lays out CompVis' {@code Encoder}: image to the moments of {@code z}, before the last projection. */
final class Encoder {
    private static final String PREFIX = "vae.encoder.";

    private Encoder() {}

    /** Adds the blocks, image [N,H,W,C] to [N,h,w,2z]. */
    static void addTo(VaeChain chain, Weights weights, VaeConfig config) {
        int in = config.channels();
        Conv2d first =
                Conv2d.load(
                        weights.under("conv_in"),
                        ConvSpec.SAME_3X3,
                        config.inChannels(),
                        in,
                        config.sizeHint(0));
        chain.add(PREFIX + "conv_in", first::forward);
        int lowest = config.channelMult().size() - 1;
        for (int level = 0; level <= lowest; level++) {
            int out = config.channels(level);
            for (int i = 0; i < config.resBlocks(); i++) {
                String name = "down.%d.block.%d".formatted(level, i);
                chain.add(
                        PREFIX + name,
                        ResnetBlock.load(weights.under(name), config, level, in, out));
                in = out;
            }
            if (level < lowest) {
                String name = "down." + level + ".downsample";
                Conv2d down =
                        Conv2d.load(
                                weights.under(name + ".conv"),
                                ConvSpec.DOWN_ASYMMETRIC,
                                out,
                                out,
                                config.sizeHint(level));
                chain.add(PREFIX + name, down::forward);
            }
        }
        MiddleBlock.load(weights.under("mid"), config).addTo(chain, PREFIX);
        NormedConv last =
                NormedConv.load(
                        weights.under("norm_out"),
                        weights.under("conv_out"),
                        config.norm(Activation.SILU),
                        in,
                        2 * config.zChannels(),
                        config.sizeHint(lowest));
        chain.add(PREFIX + "conv_out", last::forward);
    }
}
