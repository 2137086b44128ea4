package dev.instaflow.clip;

/**
 * The sizes of a CLIP text encoder.
 *
 * @param vocabulary number of token ids
 * @param width channels of a state
 * @param layers transformer layers
 * @param heads attention heads; divides the width
 * @param intermediate channels inside a feed-forward
 * @param maxLength longest sequence, the start and end marks included
 * @param eps of every layer normalisation
 */
public record ClipTextConfig(
        int vocabulary,
        int width,
        int layers,
        int heads,
        int intermediate,
        int maxLength,
        float eps) {
    /** Of CLIP, and of every text encoder of this family. */
    public static final float EPS = 1e-5f;

    /** Checks the sizes against each other. */
    public ClipTextConfig {
        positive("vocab_size", vocabulary);
        positive("hidden_size", width);
        positive("num_hidden_layers", layers);
        positive("num_attention_heads", heads);
        positive("intermediate_size", intermediate);
        positive("max_position_embeddings", maxLength);
        if (width % heads != 0) {
            throw new IllegalArgumentException(
                    "text encoder: %d channels cannot be split into %d heads"
                            .formatted(width, heads));
        }
        if (!(eps > 0)) {
            throw new IllegalArgumentException("text encoder: layer_norm_eps is " + eps);
        }
    }

    private static void positive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException("text encoder: " + name + " is " + value);
        }
    }

    /**
     * CLIP ViT-L/14's text encoder, as in Stable Diffusion 1.x.
     *
     * @return 123,060,480 parameters in 196 tensors
     */
    public static ClipTextConfig sd15() {
        return new ClipTextConfig(49408, 768, 12, 12, 3072, 77, EPS);
    }
}
