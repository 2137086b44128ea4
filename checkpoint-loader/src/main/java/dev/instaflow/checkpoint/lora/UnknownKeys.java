package dev.instaflow.checkpoint.lora;

/** What becomes of a file's keys that mean nothing to the model. */
public enum UnknownKeys {
    /** The file is refused: it is made for another model, or of a kind that this library cannot apply. */
    REFUSE,
    /** They have no effect, and are listed. */
    IGNORE
}
