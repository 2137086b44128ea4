package dev.instaflow.unet;

import java.util.List;
import java.util.Set;

/**
 * The sizes of a UNet, as in CompVis' {@code unet_config}.
 *
 * @param inChannels channels of the latent (more where a mask or an image comes with it)
 * @param outChannels channels of the prediction
 * @param modelChannels channels of the first level, even; four times as many for the time embedding
 * @param channelMult channels of each level, in units of {@code modelChannels}
 * @param resBlocks residual blocks of a level on the way down; one more on the way up
 * @param attentionResolutions downsampling factors (1, 2, 4, …) of the levels with attention; the
 *     middle always has it
 * @param heads attention heads of every block; divides the channels of each
 * @param transformerDepth transformer blocks of each attention
 * @param contextDim channels of the text states
 * @param normGroups groups of every group normalisation; divides the channels of each level
 * @param sampleSize the usual rows and columns of a latent: a hint for packing, never a limit
 */
public record UNetConfig(
        int inChannels,
        int outChannels,
        int modelChannels,
        List<Integer> channelMult,
        int resBlocks,
        Set<Integer> attentionResolutions,
        int heads,
        int transformerDepth,
        int contextDim,
        int normGroups,
        int sampleSize) {
    /** Checks the sizes against each other. */
    public UNetConfig {
        channelMult = List.copyOf(channelMult);
        attentionResolutions = Set.copyOf(attentionResolutions);
        positive("in_channels", inChannels);
        positive("out_channels", outChannels);
        positive("model_channels", modelChannels);
        positive("num_res_blocks", resBlocks);
        positive("num_heads", heads);
        positive("transformer_depth", transformerDepth);
        positive("context_dim", contextDim);
        positive("norm groups", normGroups);
        positive("sample size", sampleSize);
        if (modelChannels % 2 != 0) {
            throw new IllegalArgumentException(
                    "UNet: model_channels %d is odd; the time embedding needs pairs"
                            .formatted(modelChannels));
        }
        if (channelMult.isEmpty() || channelMult.size() > 16) {
            throw new IllegalArgumentException(
                    "UNet: channel_mult has %d levels; expected 1 to 16"
                            .formatted(channelMult.size()));
        }
        for (int mult : channelMult) {
            positive("channel_mult", mult);
            int channels = Math.multiplyExact(mult, modelChannels);
            if (channels % normGroups != 0 || channels % heads != 0) {
                throw new IllegalArgumentException(
                        "UNet: %d channels cannot be split into %d norm groups and %d heads"
                                .formatted(channels, normGroups, heads));
            }
        }
        for (int factor : attentionResolutions) {
            if (Integer.bitCount(factor) != 1) {
                throw new IllegalArgumentException(
                        "UNet: attention_resolutions has %d; expected powers of two"
                                .formatted(factor));
            }
        }
    }

    private static void positive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException("UNet: " + name + " is " + value);
        }
    }

    /**
     * Stable Diffusion 1.1 to 1.5, InstaFlow-0.9B and 2-rectified flow.
     *
     * @return 859,520,964 parameters in 686 tensors
     */
    public static UNetConfig sd15() {
        return new UNetConfig(
                4, 4, 320, List.of(1, 2, 4, 4), 2, Set.of(1, 2, 4), 8, 1, 768, 32, 64);
    }

    /**
     * Channels of one level.
     *
     * @param level 0 is the highest resolution
     * @return a multiple of {@code modelChannels}
     */
    public int channels(int level) {
        return channelMult.get(level) * modelChannels;
    }

    /**
     * How far the lowest level is reduced.
     *
     * @return a power of two; a latent of other sizes works too, at CompVis' rounding
     */
    public int reduction() {
        return 1 << (channelMult.size() - 1);
    }

    /**
     * Size of the time embedding.
     *
     * @return channels
     */
    int timeChannels() {
        return 4 * modelChannels;
    }
}
