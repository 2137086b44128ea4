package dev.instaflow.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * A prompt with emphasis as model inputs, and a weight for every token. Immutable and thread-safe.
 */
public final class WeightedEncoding {
    private final List<Encoding> chunks;
    private final float[][] weights;

    WeightedEncoding(List<Encoding> chunks, float[][] weights) {
        this.chunks = List.copyOf(chunks);
        this.weights = weights;
    }

    /** @return the model inputs, at least one */
    public List<Encoding> chunks() {
        return chunks;
    }

    /**
     * @param chunk 0..chunks-1
     * @return [T] a weight for each id of that chunk; 1 for start, end and padding
     */
    public float[] weights(int chunk) {
        return weights[Objects.checkIndex(chunk, weights.length)].clone();
    }

    /** @return whether every weight is 1, so that there is nothing to apply */
    public boolean isNeutral() {
        return Arrays.stream(weights).allMatch(WeightedEncoding::isNeutral);
    }

    private static boolean isNeutral(float[] chunk) {
        for (float weight : chunk) {
            if (weight != 1) {
                return false;
            }
        }
        return true;
    }
}
