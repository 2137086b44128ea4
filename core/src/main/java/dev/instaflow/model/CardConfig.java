package dev.instaflow.model;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.VaeConfig;

/** Sizes in a model card. */
final class CardConfig {
    private static final int SD_IMAGE_SIZE = 512;

    /** CLIP's, where a card does not say. */
    private static final int EXPANSION = 4;

    private CardConfig() {}

    static ModelConfig read(ConfigNode root) throws CheckpointFormatException {
        ConfigNode config = root.has("config") ? root.object("config") : root;
        ConfigNode vaeNode = config.object("vae");
        int embedDim = vaeNode.integer("embed_dim", vaeNode.integer("z_channels"));
        // The size is a hint for packing, and takes the factor of the autoencoder to tell.
        int factor = CompVisConfig.vae(vaeNode, embedDim, 1).factor();
        int latentSize = Math.max(1, imageSize(root) / factor);
        VaeConfig vae = CompVisConfig.vae(vaeNode, embedDim, latentSize);
        UNetConfig unet = CompVisConfig.unet(config.object("unet"), latentSize);
        ClipTextConfig text = text(config.object("text"));
        return root.build(() -> new ModelConfig(unet, vae, text));
    }

    private static int imageSize(ConfigNode root) throws CheckpointFormatException {
        return root.has("imageSize")
                ? root.integers("imageSize").stream().findFirst().orElse(SD_IMAGE_SIZE)
                : root.integer("image_size", SD_IMAGE_SIZE);
    }

    private static ClipTextConfig text(ConfigNode node) throws CheckpointFormatException {
        int vocabulary = node.integer("vocab_size");
        int width = node.integer("width");
        int layers = node.integer("layers");
        int heads = node.integer("heads");
        int maxLength = node.integer("max_length");
        return node.build(
                () ->
                        new ClipTextConfig(
                                vocabulary,
                                width,
                                layers,
                                heads,
                                EXPANSION * width,
                                maxLength,
                                ClipTextConfig.EPS));
    }
}
