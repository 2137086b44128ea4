package dev.instaflow.tokenizer;

/** What fills a model input behind its end. */
public enum Padding {
    /** The end-of-text id: Stable Diffusion 1.x, InstaFlow, the bundled model. */
    END_OF_TEXT,

    /** Id 0, CLIP's {@code "!"}: Stable Diffusion 2.x. */
    ID_ZERO
}
