package dev.instaflow.train.vae;

/**
 * What a pass over pictures does.
 *
 * @param seed of the order and of the latents that are drawn
 * @param batch pictures of a pass
 * @param loss judges what was decoded
 */
public record AutoencoderSettings(long seed, int batch, AutoencoderLoss loss) {
    /** Checks the number. */
    public AutoencoderSettings {
        if (batch < 1) {
            throw new IllegalArgumentException("a batch of " + batch + " pictures");
        }
    }
}
