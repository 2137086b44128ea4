package dev.instaflow.checkpoint.layout;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The sizes of an autoencoder that its tensors' shapes tell. The number of GroupNorm groups is not
 * among them: it comes from a configuration, or is 32.
 *
 * @param inChannels channels of the image that is encoded: 3, or 4 with alpha
 * @param outChannels channels of the image that is decoded
 * @param ch channels of the outermost level
 * @param chMult channels of each level, outermost first, in units of {@code ch}
 * @param numResBlocks residual blocks of a level of the encoder; one more in the decoder
 * @param zChannels channels between encoder or decoder and the 1x1 convolutions
 * @param embedDim channels of the latent
 */
public record VaeShape(
        int inChannels,
        int outChannels,
        int ch,
        List<Integer> chMult,
        int numResBlocks,
        int zChannels,
        int embedDim) {

    /** Takes a copy of the list. */
    public VaeShape {
        chMult = List.copyOf(chMult);
    }

    /**
     * The autoencoder of Stable Diffusion 1.x and InstaFlow: CompVis' {@code v1-inference.yaml}.
     *
     * @return 248 tensors, 83,653,863 parameters
     */
    public static VaeShape sd15() {
        return new VaeShape(3, 3, 128, List.of(1, 2, 4, 4), 2, 4, 4);
    }

    /**
     * Pixels of the image along one side of a latent pixel.
     *
     * @return 2 to the number of downsamplers
     */
    public int factor() {
        return 1 << (chMult.size() - 1);
    }

    /**
     * Channels of a level.
     *
     * @param level 0 is the outermost
     * @return {@code ch * chMult[level]}
     */
    public int channels(int level) {
        return Math.multiplyExact(ch, chMult.get(level));
    }

    /**
     * Every tensor that an autoencoder of these sizes has.
     *
     * @return CompVis names, in the order of CompVis' state_dict
     */
    public List<TensorSpec> tensors() {
        SpecList list = new SpecList(ModelPart.VAE.compVisPrefix());
        encoder(list);
        decoder(list);
        list.conv("quant_conv", 2L * zChannels, 2L * embedDim, 1);
        list.conv("post_quant_conv", embedDim, zChannels, 1);
        return list.list();
    }

    private void encoder(SpecList list) {
        list.conv("encoder.conv_in", inChannels, ch, 3);
        int c = ch;
        for (int level = 0; level < chMult.size(); level++) {
            String down = "encoder.down." + level;
            for (int j = 0; j < numResBlocks; j++) {
                resBlock(list, down + ".block." + j, c, channels(level));
                c = channels(level);
            }
            if (level < chMult.size() - 1) {
                list.conv(down + ".downsample.conv", c, c, 3);
            }
        }
        middle(list, "encoder.mid", c);
        list.layer("encoder.norm_out", c);
        list.conv("encoder.conv_out", c, 2L * zChannels, 3);
    }

    private void decoder(SpecList list) {
        int c = channels(chMult.size() - 1);
        list.conv("decoder.conv_in", zChannels, c, 3);
        middle(list, "decoder.mid", c);
        for (int level = chMult.size() - 1; level >= 0; level--) {
            String up = "decoder.up." + level;
            for (int j = 0; j <= numResBlocks; j++) {
                resBlock(list, up + ".block." + j, c, channels(level));
                c = channels(level);
            }
            if (level > 0) {
                list.conv(up + ".upsample.conv", c, c, 3);
            }
        }
        list.layer("decoder.norm_out", c);
        list.conv("decoder.conv_out", c, outChannels, 3);
    }

    private static void middle(SpecList list, String mid, int c) {
        resBlock(list, mid + ".block_1", c, c);
        list.layer(mid + ".attn_1.norm", c);
        for (String projection : List.of("q", "k", "v", "proj_out")) {
            list.conv(mid + ".attn_1." + projection, c, c, 1);
        }
        resBlock(list, mid + ".block_2", c, c);
    }

    private static void resBlock(SpecList list, String block, int in, int out) {
        list.layer(block + ".norm1", in);
        list.conv(block + ".conv1", in, out, 3);
        list.layer(block + ".norm2", out);
        list.conv(block + ".conv2", out, out, 3);
        if (in != out) {
            list.conv(block + ".nin_shortcut", in, out, 1);
        }
    }

    /** Reads the sizes off bare CompVis names; empty where the decisive ones are missing. */
    static Optional<VaeShape> derive(PartTensors vae) {
        OptionalInt ch = vae.size("decoder.norm_out.weight", 0);
        OptionalInt out = vae.size("decoder.conv_out.weight", 0);
        OptionalInt z = vae.size("decoder.conv_in.weight", 1);
        int levels = vae.run("decoder.up.");
        if (ch.isEmpty()
                || out.isEmpty()
                || z.isEmpty()
                || levels == 0
                || levels > PartTensors.MOST_LEVELS) {
            return Optional.empty();
        }
        List<Integer> mult = new ArrayList<>();
        int blocks = 0;
        for (int level = 0; level < levels; level++) {
            String up = "decoder.up." + level + ".block.";
            OptionalInt width = vae.size(up + "0.conv2.weight", 0);
            if (width.isEmpty() || width.getAsInt() % ch.getAsInt() != 0) {
                return Optional.empty();
            }
            mult.add(width.getAsInt() / ch.getAsInt());
            blocks = Math.max(blocks, vae.run(up) - 1);
        }
        // A decoder without its encoder is still a decoder: the encoder then counts as missing.
        int in = vae.size("encoder.conv_in.weight", 1).orElse(out.getAsInt());
        int embed = vae.size("post_quant_conv.weight", 1).orElse(z.getAsInt());
        return Optional.of(
                new VaeShape(in, out.getAsInt(), ch.getAsInt(), mult, blocks, z.getAsInt(), embed));
    }
}
