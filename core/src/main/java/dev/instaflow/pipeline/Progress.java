package dev.instaflow.pipeline;

/**
 * How far a generation has come.
 *
 * @param stage what is running
 * @param block the block of the network that was just done
 * @param fraction of the stage, in [0,1], never falling while the stage lasts
 */
public record Progress(Stage stage, String block, double fraction) {
    /** The stages, in order; each is over for all images before the next begins. */
    public enum Stage {
        /** The text encoder. */
        TEXT,
        /** The init image, where there is one. */
        ENCODE,
        /** The UNet, step by step. */
        DENOISE,
        /** The autoencoder's decoder. */
        DECODE
    }

    /** Told on the thread that generates, after each block of each network. */
    @FunctionalInterface
    public interface Listener {
        /** Listens to nothing. */
        Listener NONE = progress -> {};

        /**
         * A block is done.
         *
         * @param progress how far
         */
        void on(Progress progress);
    }
}
