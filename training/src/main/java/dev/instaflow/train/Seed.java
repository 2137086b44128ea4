package dev.instaflow.train;

import dev.instaflow.tensor.Tensor;

/**
 * Where gradients start: a result, and the gradient of the loss with respect to it.
 *
 * @param output computed on the tape
 * @param gradient the shape of {@code output}
 */
public record Seed(Tensor output, Tensor gradient) {
    /** Checks the shapes. */
    public Seed {
        if (!output.shape().equals(gradient.shape())) {
            throw new IllegalArgumentException(
                    "gradient " + gradient + " does not fit the output " + output);
        }
    }
}
