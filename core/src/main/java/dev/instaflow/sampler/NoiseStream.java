package dev.instaflow.sampler;

/** One image's stream of normal random numbers. Not thread-safe. */
public interface NoiseStream {
    /**
     * Draws normal numbers of mean 0 and variance 1, as one call: in the torch streams the values
     * depend on how many are drawn together.
     *
     * @param count at least 0
     * @return a fresh array of {@code count} values
     */
    default float[] normals(int count) {
        float[] values = new float[count];
        fill(values);
        return values;
    }

    /**
     * Draws as {@link #normals} into an array.
     *
     * @param values filled whole, as one call
     */
    void fill(float[] values);
}
