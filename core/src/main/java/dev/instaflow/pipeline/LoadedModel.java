package dev.instaflow.pipeline;

import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;

/**
 * The networks of one model and what goes with them. Thread-safe.
 *
 * @param card what the tensors do not tell
 * @param config the sizes of the networks
 * @param shapes the sizes as the tensors tell them, for estimates of memory
 * @param text tokenizer and text encoder
 * @param unet the denoising network
 * @param vae the autoencoder
 * @param sha256 of the model's file or files
 */
record LoadedModel(
        ModelCard card,
        ModelConfig config,
        ArchitectureShapes shapes,
        TextStage text,
        UNet unet,
        AutoencoderKl vae,
        WeightsHash sha256)
        implements AutoCloseable {
    /** Frees the weights; a second call does nothing. */
    @Override
    public void close() {
        text.encoder().close();
        unet.close();
        vae.close();
    }
}
