package dev.instaflow.pipeline;

import dev.instaflow.image.Pixels;
import java.util.Optional;

/**
 * Where image-to-image and inpainting start from.
 *
 * @param pixels resized to the size of the request
 * @param strength how much is made anew: 0 keeps the image, 1 starts from pure noise; in (0,1]
 * @param mask for inpainting: white is made anew, black is kept; resized too
 */
public record InitImage(Pixels pixels, double strength, Optional<Pixels> mask) {
    /** Checks the strength. */
    public InitImage {
        if (!(strength > 0 && strength <= 1)) {
            throw new IllegalArgumentException(
                    "strength " + strength + " is outside (0,1]: 1 starts from pure noise");
        }
    }

    /**
     * Image-to-image.
     *
     * @param pixels the image
     * @param strength in (0,1]
     * @return a start without a mask
     */
    public static InitImage of(Pixels pixels, double strength) {
        return new InitImage(pixels, strength, Optional.empty());
    }

    /**
     * Inpainting.
     *
     * @param white white is made anew, black is kept
     * @return a start with a mask
     */
    public InitImage withMask(Pixels white) {
        return new InitImage(pixels, strength, Optional.of(white));
    }
}
