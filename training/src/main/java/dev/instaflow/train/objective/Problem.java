package dev.instaflow.train.objective;

import java.util.Optional;

/**
 * What the network is asked, and what it should answer.
 *
 * @param state N noisy latents, one after the other
 * @param labels N time labels as the network sees them
 * @param target N outputs
 * @param left N flow times from the state to the picture, where {@code state + left * answer} is the latent of
 *     the picture that the answer means; empty where an answer means none
 */
public record Problem(float[] state, float[] labels, float[] target, Optional<float[]> left) {
    /** Checks the lengths. */
    public Problem {
        if (state.length != target.length
                || labels.length == 0
                || left.map(times -> times.length != labels.length).orElse(false)
                || state.length % labels.length != 0) {
            throw new IllegalArgumentException(
                    ("%d values of states, %d labels, %d values of targets; "
                                    + "expected as many targets as states, the same number for each label")
                            .formatted(state.length, labels.length, target.length));
        }
    }

    /**
     * A problem whose answers mean no pictures.
     *
     * @param state N noisy latents, one after the other
     * @param labels N time labels as the network sees them
     * @param target N outputs
     */
    public Problem(float[] state, float[] labels, float[] target) {
        this(state, labels, target, Optional.empty());
    }
}
