package dev.instaflow.pipeline;

import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.VaeConfig;

/**
 * Upper bounds of the activations that live at once, in F32, from the sizes of the networks. Used to
 * decide between whole and tiled decoding and how many images go through the UNet together.
 */
final class MemoryEstimate {
    private static final long FLOAT = 4;

    /**
     * In units of pixels times model channels: the skips (about 12 of decreasing size) and the widest
     * place, a GEGLU with 8 times the channels beside its input, output and residual.
     */
    private static final long UNET_TENSORS = 40;

    /** Input, normalised input, output and residual of the widest residual block. */
    private static final long VAE_TENSORS = 4;

    private MemoryEstimate() {}

    /** Bytes for one sample of {@code height x width} latent pixels. */
    static long unetBytes(UNetConfig config, long height, long width) {
        return height * width * config.modelChannels() * FLOAT * UNET_TENSORS;
    }

    /** Bytes for one latent of {@code height x width}; the widest block at full resolution counts. */
    static long decodeBytes(VaeConfig config, long height, long width) {
        long pixels = height * width * config.factor() * config.factor();
        int level = Math.min(1, config.channelMult().size() - 1);
        return pixels * config.channels() * config.channelMult().get(level) * FLOAT * VAE_TENSORS;
    }
}
