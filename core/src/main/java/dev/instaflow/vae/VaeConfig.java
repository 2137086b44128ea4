package dev.instaflow.vae;

import dev.instaflow.ops.Activation;
import dev.instaflow.ops.GroupNormSpec;
import java.util.List;

/**
 * The sizes of an autoencoder, as in CompVis' {@code ddconfig}. It attends in the middle alone and its
 * posterior has a mean and a variance, as in all Stable Diffusion 1.x.
 *
 * @param channels of the highest resolution
 * @param channelMult channels of each level, in units of {@code channels}
 * @param resBlocks residual blocks of a level of the encoder; one more in the decoder
 * @param zChannels channels inside, before the pointwise convolution to the latent
 * @param embedDim channels of the latent
 * @param inChannels channels of the image to encode: 3, or 4 with alpha
 * @param outChannels channels of the decoded image
 * @param normGroups groups of every group normalisation; divides the channels of each level
 * @param sampleSize the usual rows and columns of a latent: a hint for packing, never a limit
 */
public record VaeConfig(
        int channels,
        List<Integer> channelMult,
        int resBlocks,
        int zChannels,
        int embedDim,
        int inChannels,
        int outChannels,
        int normGroups,
        int sampleSize) {
    /** CompVis' Normalize; ten times smaller than that of the UNet's residual blocks. */
    private static final float EPS = 1e-6f;

    /** Checks the sizes against each other. */
    public VaeConfig {
        channelMult = List.copyOf(channelMult);
        positive("ch", channels);
        positive("num_res_blocks", resBlocks);
        positive("z_channels", zChannels);
        positive("embed_dim", embedDim);
        positive("in_channels", inChannels);
        positive("out_ch", outChannels);
        positive("norm groups", normGroups);
        positive("sample size", sampleSize);
        if (channelMult.isEmpty() || channelMult.size() > 16) {
            throw new IllegalArgumentException(
                    "VAE: ch_mult has %d levels; expected 1 to 16".formatted(channelMult.size()));
        }
        for (int mult : channelMult) {
            positive("ch_mult", mult);
            int level = Math.multiplyExact(mult, channels);
            if (level % normGroups != 0) {
                throw new IllegalArgumentException(
                        "VAE: %d channels cannot be split into %d norm groups"
                                .formatted(level, normGroups));
            }
        }
        if (channels % normGroups != 0) {
            throw new IllegalArgumentException(
                    "VAE: %d channels cannot be split into %d norm groups"
                            .formatted(channels, normGroups));
        }
    }

    private static void positive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException("VAE: " + name + " is " + value);
        }
    }

    /**
     * The KL-f8 autoencoder of Stable Diffusion 1.x.
     *
     * @return 83,653,863 parameters in 248 tensors
     */
    public static VaeConfig sd15() {
        return new VaeConfig(128, List.of(1, 2, 4, 4), 2, 4, 4, 3, 3, 32, 64);
    }

    /**
     * Pixels per latent, in each direction.
     *
     * @return a power of two
     */
    public int factor() {
        return 1 << (channelMult.size() - 1);
    }

    /**
     * Channels of one level.
     *
     * @param level 0 is the highest resolution
     * @return a multiple of {@code channels}
     */
    int channels(int level) {
        return channelMult.get(level) * channels;
    }

    /** Channels of the lowest resolution. */
    int lowestChannels() {
        return channels(channelMult.size() - 1);
    }

    /** Likely rows and columns at a level. */
    int sizeHint(int level) {
        return sampleSize * (factor() >> level);
    }

    /** Of every normalisation. */
    GroupNormSpec norm(Activation then) {
        return new GroupNormSpec(normGroups, EPS, then);
    }
}
