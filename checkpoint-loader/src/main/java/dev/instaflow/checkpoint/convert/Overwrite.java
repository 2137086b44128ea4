package dev.instaflow.checkpoint.convert;

/** What happens to something that already is where the result shall be. */
public enum Overwrite {
    /** It stays, and the conversion is refused. */
    REFUSE,
    /** It goes, once the result is whole. */
    REPLACE
}
