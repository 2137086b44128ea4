package dev.instaflow.ops;

/**
 * Multi-head scaled dot-product attention; the scale is {@code 1/sqrt(C/heads)}.
 *
 * @param heads number of heads; divides the channels
 * @param mask which keys a query may see
 */
public record AttentionSpec(int heads, Mask mask) {
    /** Which keys a query sees. */
    public enum Mask {
        /** All of them. */
        NONE,
        /** Those at its own position and before. */
        CAUSAL
    }

    /** Checks the head count. */
    public AttentionSpec {
        if (heads < 1) {
            throw new IllegalArgumentException("attention with " + heads + " heads");
        }
    }
}
