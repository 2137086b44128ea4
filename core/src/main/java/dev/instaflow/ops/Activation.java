package dev.instaflow.ops;

/** Functions applied element by element. */
public enum Activation {
    /** {@code x}. */
    IDENTITY,
    /** {@code x / (1 + exp(-x))}. */
    SILU,
    /** {@code x / (1 + exp(-1.702 x))}, CLIP's approximation of GELU. */
    QUICK_GELU,
    /** {@code x/2 (1 + erf(x/sqrt 2))}, exact. */
    GELU
}
