package dev.instaflow.vae;

import dev.instaflow.nn.Conv2d;
import dev.instaflow.nn.NormedConv;
import dev.instaflow.nn.UpsampledConv;
import dev.instaflow.nn.Weights;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.ConvSpec;
import java.util.ArrayList;
import java.util.List;

/** Lays out CompVis' {@code Decoder}: {@code z} to image. Its level 0 is the highest resolution, run last. */
final class Decoder {
    private static final String PREFIX = "vae.decoder.";

    private final Weights weights;
    private final VaeConfig config;
    private final int lowest;

    private Decoder(Weights weights, VaeConfig config) {
        this.weights = weights;
        this.config = config;
        this.lowest = config.channelMult().size() - 1;
    }

    /** Adds the blocks, [N,h,w,z] to image [N,H,W,C]. */
    static void addTo(VaeChain chain, Weights weights, VaeConfig config) {
        new Decoder(weights, config).addTo(chain);
    }

    private void addTo(VaeChain chain) {
        Conv2d first =
                Conv2d.load(
                        weights.under("conv_in"),
                        ConvSpec.SAME_3X3,
                        config.zChannels(),
                        config.lowestChannels(),
                        config.sizeHint(lowest));
        chain.add(PREFIX + "conv_in", first::forward);
        MiddleBlock.load(weights.under("mid"), config).addTo(chain, PREFIX);
        // The file has the levels in the order of their numbers, the other way round than they run.
        List<VaeChain> levels = new ArrayList<>();
        for (int level = 0; level <= lowest; level++) {
            levels.add(0, level(level));
        }
        levels.forEach(chain::addAll);
        NormedConv last =
                NormedConv.load(
                        weights.under("norm_out"),
                        weights.under("conv_out"),
                        config.norm(Activation.SILU),
                        config.channels(0),
                        config.outChannels(),
                        config.sizeHint(0));
        chain.add(PREFIX + "conv_out", last::forward);
    }

    private VaeChain level(int level) {
        VaeChain chain = new VaeChain();
        int out = config.channels(level);
        int in = level == lowest ? out : config.channels(level + 1);
        for (int i = 0; i <= config.resBlocks(); i++) {
            String name = "up.%d.block.%d".formatted(level, i);
            chain.add(
                    PREFIX + name,
                    ResnetBlock.load(weights.under(name), config, level, i == 0 ? in : out, out));
        }
        if (level > 0) {
            String name = "up." + level + ".upsample";
            UpsampledConv upsample =
                    UpsampledConv.load(
                            weights.under(name + ".conv"), out, out, config.sizeHint(level));
            chain.add(PREFIX + name, upsample::forward);
        }
        return chain;
    }
}
