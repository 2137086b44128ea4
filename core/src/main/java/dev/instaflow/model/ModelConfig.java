package dev.instaflow.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.VaeConfig;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The sizes of the three networks of one model, checked against each other. What the numbers mean (the
 * prediction, the time label, the latent scale) is in the model card.
 *
 * @param unet the denoising network
 * @param vae the autoencoder
 * @param text the text encoder
 */
public record ModelConfig(UNetConfig unet, VaeConfig vae, ClipTextConfig text) {
    /** Checks that the networks fit together. */
    public ModelConfig {
        if (unet.contextDim() != text.width()) {
            throw new IllegalArgumentException(
                    "the UNet attends to text states of %d channels, the text encoder makes %d"
                            .formatted(unet.contextDim(), text.width()));
        }
        if (unet.outChannels() != vae.embedDim()) {
            throw new IllegalArgumentException(
                    "the UNet predicts %d channels, the autoencoder's latents have %d"
                            .formatted(unet.outChannels(), vae.embedDim()));
        }
    }

    /**
     * Stable Diffusion 1.1 to 1.5, InstaFlow-0.9B and 2-rectified flow.
     *
     * @return 1,066,235,307 parameters
     */
    public static ModelConfig sd15() {
        return new ModelConfig(UNetConfig.sd15(), VaeConfig.sd15(), ClipTextConfig.sd15());
    }

    /**
     * Reads a configuration as CompVis has them: {@code v1-inference.yaml}. Read as plain data; nothing
     * in it names a class that is made.
     *
     * @param file YAML; where it has no sizes of the text encoder, that is CLIP ViT-L/14's
     * @return the sizes
     * @throws dev.instaflow.checkpoint.CheckpointFormatException if something is missing, out of range,
     *     or a variant that this library does not compute
     * @throws IOException if it cannot be read
     */
    public static ModelConfig ofYaml(Path file) throws IOException {
        return CompVisConfig.read(ConfigNode.yaml(file));
    }

    /**
     * Reads the three {@code config.json} of a diffusers folder.
     *
     * @param folder has {@code unet/}, {@code vae/} and {@code text_encoder/}
     * @return the sizes
     * @throws dev.instaflow.checkpoint.CheckpointFormatException if something is missing, out of range,
     *     or a variant that this library does not compute
     * @throws IOException if they cannot be read
     */
    public static ModelConfig ofDiffusersFolder(Path folder) throws IOException {
        return DiffusersConfig.read(folder);
    }

    /**
     * Reads the sizes in a model card.
     *
     * @param source the file, for messages
     * @param card has {@code unet}, {@code vae} and {@code text}, at its root or in {@code config}, with
     *     CompVis' names for the sizes
     * @return the sizes
     * @throws dev.instaflow.checkpoint.CheckpointFormatException if something is missing or out of range
     */
    public static ModelConfig ofCard(String source, JsonNode card) throws IOException {
        return CardConfig.read(ConfigNode.of(source, card));
    }

    /**
     * Derives the sizes from the tensors of a model with Stable Diffusion 1.x's widths, which has 8 heads
     * in the UNet, 12 in the text encoder, and 32 groups in every norm. Heads cannot be told from
     * tensors, so other widths are refused.
     *
     * @param compVis a whole model with CompVis names
     * @return the sizes
     * @throws dev.instaflow.checkpoint.CheckpointFormatException if the tensors do not tell them, or are
     *     those of another family
     */
    public static ModelConfig ofTensors(Checkpoint compVis) throws IOException {
        return TensorConfig.read(compVis);
    }

    /**
     * Derives the sizes from the tensors, but for the heads, which no shape tells.
     *
     * @param compVis a whole model with CompVis names
     * @param heads of the UNet
     * @param textHeads of the text encoder
     * @return the sizes
     * @throws dev.instaflow.checkpoint.CheckpointFormatException if the tensors do not tell them
     */
    public static ModelConfig ofTensors(Checkpoint compVis, int heads, int textHeads)
            throws IOException {
        return TensorConfig.read(compVis, heads, textHeads);
    }
}
