package dev.instaflow.train.objective;

/**
 * What the network is asked, and what it should answer.
 *
 * @param state N noisy latents, one after the other
 * @param labels N time labels as the network sees them
 * @param target N outputs
 */
public record Problem(float[] state, float[] labels, float[] target) {
    /** Checks the lengths. */
    public Problem {
        if (state.length != target.length
                || labels.length == 0
                || state.length % labels.length != 0) {
            throw new IllegalArgumentException(
                    ("%d values of states, %d labels, %d values of targets; "
                                    + "expected as many targets as states, the same number for each label")
                            .formatted(state.length, labels.length, target.length));
        }
    }
}
