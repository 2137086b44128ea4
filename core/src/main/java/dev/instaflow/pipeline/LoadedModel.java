package dev.instaflow.pipeline;

import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;

/**
 * What an engine knows of one model. Thread-safe.
 *
 * @param card what the tensors do not tell
 * @param config the sizes of the networks
 * @param shapes the sizes as the tensors tell them, for estimates of memory
 * @param text how prompts are cut
 * @param networks text encoder, UNet and autoencoder
 * @param sha256 of the model's file or files
 */
record LoadedModel(
        ModelCard card,
        ModelConfig config,
        ArchitectureShapes shapes,
        TextStage text,
        Networks networks,
        WeightsHash sha256)
        implements AutoCloseable {
    /** Frees the weights; a second call does nothing. */
    @Override
    public void close() {
        networks.close();
    }
}
