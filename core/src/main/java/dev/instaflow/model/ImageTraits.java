package dev.instaflow.model;

import dev.instaflow.image.ColorFormat;

/**
 * The images that a model makes.
 *
 * @param width columns where the request names none
 * @param height rows where the request names none
 * @param color what the decoder's channels mean
 */
public record ImageTraits(int width, int height, ColorFormat color) {
    /** Checks the sizes. */
    public ImageTraits {
        if (width < 1 || height < 1) {
            throw new IllegalArgumentException("image size %dx%d".formatted(width, height));
        }
    }
}
