package dev.instaflow.ops;

/**
 * Settings of a group normalisation.
 *
 * @param groups number of groups; divides the channels
 * @param eps added to the variance
 * @param then applied to the result, in the same pass where a backend can
 */
public record GroupNormSpec(int groups, float eps, Activation then) {
    /** Checks the settings. */
    public GroupNormSpec {
        if (groups < 1 || !(eps > 0)) {
            throw new IllegalArgumentException(
                    "group norm with " + groups + " groups and eps " + eps);
        }
    }
}
