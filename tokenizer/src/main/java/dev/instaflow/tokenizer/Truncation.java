package dev.instaflow.tokenizer;

/** What happens to a prompt that is longer than the model's input. */
public enum Truncation {
    /** Its beginning is used; {@link Encoding#lostText} has the rest. */
    KEEP_START,

    /** It is refused with an {@link IllegalArgumentException} that quotes what would be lost. */
    REFUSE
}
