package dev.instaflow.sampler;

/**
 * The heap arrays that noise is drawn in, kept so that the next draw of the same size makes none. Serves
 * one {@link BatchNoise} at a time.
 */
public final class NoiseBuffer {
    private float[] drawn = new float[0];
    private float[] ordered = new float[0];

    /** An empty buffer. */
    public NoiseBuffer() {}

    /** Exactly {@code length} values of one image, undefined. */
    float[] drawn(int length) {
        drawn = drawn.length == length ? drawn : new float[length];
        return drawn;
    }

    /** Exactly {@code length} values of a batch, undefined. */
    float[] ordered(int length) {
        ordered = ordered.length == length ? ordered : new float[length];
        return ordered;
    }
}
