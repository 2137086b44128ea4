package dev.instaflow.checkpoint.inspect;

import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.TensorSpec;
import dev.instaflow.checkpoint.layout.UNetShape;
import dev.instaflow.checkpoint.layout.VaeShape;
import java.util.ArrayList;
import java.util.List;

/**
 * The memory that one image takes, in F32, by formula. It is an estimate for choosing a machine and
 * a resolution, not a bound: attention is taken to be computed in tiles, and no workspace of a
 * library is counted.
 *
 * <ul>
 *   <li>weights: 4 bytes a parameter;
 *   <li>U-Net: 4 bytes * (all skip connections: the sum over the input blocks of C*h*w; and at the
 *       level where it is most, a residual block's input and its normalised copy and two outputs,
 *       {@code (2*Cin + 2*Cout)*h*w}, or a transformer's 10*C*h*w: its input, its output, and the
 *       8*C of GEGLU);
 *   <li>VAE: 4 bytes * the largest {@code (2*Cin + 2*Cout)*h*w} of the decoder;
 *   <li>U-Net and VAE do not run at the same time: the larger counts. Guidance and a batch multiply
 *       it, the weights not.
 * </ul>
 *
 * @param width of the image in pixels
 * @param height of the image in pixels
 * @param weightBytes all weights
 * @param unetBytes activations of one U-Net call for one image
 * @param vaeBytes activations of decoding one image
 */
public record MemoryEstimate(
        int width, int height, long weightBytes, long unetBytes, long vaeBytes) {
    private static final int F32 = 4;

    /** Channels in units of a block's own that a transformer keeps at a time. */
    private static final int TRANSFORMER_COPIES = 10;

    /** Size of an image in pixels where the file does not say what it was trained for. */
    public static final int USUAL_SIDE = 512;

    /**
     * The estimate for a model.
     *
     * @param shapes its sizes; parts that it does not have take nothing
     * @param width of the image in pixels, at least 1
     * @param height of the image in pixels, at least 1
     * @return bytes
     * @throws IllegalArgumentException if the width or height is less than 1
     */
    public static MemoryEstimate of(ArchitectureShapes shapes, int width, int height) {
        if (width < 1 || height < 1) {
            throw new IllegalArgumentException(
                    "an image of %dx%d pixels; expected at least 1x1".formatted(width, height));
        }
        return new MemoryEstimate(
                width,
                height,
                F32 * TensorSpec.count(shapes.tensors()),
                unetBytes(shapes, width, height),
                vaeBytes(shapes, width, height));
    }

    /**
     * The activations of one U-Net call for one image, without counting weights.
     *
     * @param shapes the model's sizes
     * @param width of the image in pixels, at least 1
     * @param height of the image in pixels, at least 1
     * @return bytes; 0 without a U-Net
     */
    public static long unetBytes(ArchitectureShapes shapes, int width, int height) {
        int factor = factor(shapes);
        return shapes.unet().isEmpty()
                ? 0
                : F32
                        * unetFloats(
                                shapes.unet().get(),
                                ceilDiv(height, factor),
                                ceilDiv(width, factor));
    }

    /**
     * The activations of decoding one image, without counting weights.
     *
     * @param shapes the model's sizes
     * @param width of the image in pixels, at least 1
     * @param height of the image in pixels, at least 1
     * @return bytes; 0 without an autoencoder
     */
    public static long vaeBytes(ArchitectureShapes shapes, int width, int height) {
        int factor = factor(shapes);
        return shapes.vae().isEmpty()
                ? 0
                : F32
                        * vaeFloats(
                                shapes.vae().get(),
                                ceilDiv(height, factor),
                                ceilDiv(width, factor));
    }

    private static int factor(ArchitectureShapes shapes) {
        return shapes.vae().map(VaeShape::factor).orElse(8);
    }

    /**
     * Everything at the worst moment.
     *
     * @return bytes
     */
    public long totalBytes() {
        return weightBytes + Math.max(unetBytes, vaeBytes);
    }

    private static long unetFloats(UNetShape unet, long height, long width) {
        int levels = unet.channelMult().size();
        List<Integer> skips = new ArrayList<>();
        skips.add(unet.modelChannels());
        long skipFloats = unet.modelChannels() * height * width;
        for (int level = 0; level < levels; level++) {
            long area = area(height, width, level);
            for (int j = 0; j < unet.numResBlocks(); j++) {
                skips.add(unet.channels(level));
                skipFloats += unet.channels(level) * area;
            }
            if (level < levels - 1) {
                skips.add(unet.channels(level));
                skipFloats += unet.channels(level) * area(height, width, level + 1);
            }
        }
        long most = 0;
        int c = unet.channels(levels - 1);
        for (int level = levels - 1; level >= 0; level--) {
            long area = area(height, width, level);
            for (int j = 0; j <= unet.numResBlocks(); j++) {
                int in = c + skips.remove(skips.size() - 1);
                c = unet.channels(level);
                most = Math.max(most, (2L * in + 2L * c) * area);
            }
            if (unet.attentionLevels().contains(level)) {
                most = Math.max(most, (long) TRANSFORMER_COPIES * c * area);
            }
        }
        return skipFloats + most;
    }

    private static long vaeFloats(VaeShape vae, long height, long width) {
        int levels = vae.chMult().size();
        long most = 0;
        int c = vae.channels(levels - 1);
        for (int level = levels - 1; level >= 0; level--) {
            // Latents are enlarged behind every level but the last.
            long scale = 1L << (levels - 1 - level);
            int out = vae.channels(level);
            most = Math.max(most, (2L * c + 2L * out) * height * scale * width * scale);
            c = out;
        }
        return most;
    }

    private static long area(long height, long width, int level) {
        long divisor = 1L << level;
        return ceilDiv(height, divisor) * ceilDiv(width, divisor);
    }

    private static long ceilDiv(long dividend, long divisor) {
        return (dividend + divisor - 1) / divisor;
    }
}
