package dev.instaflow.train.transplant;

/**
 * When a model counts as derived from a base.
 *
 * @param leastCosine of the median matrix
 * @param mostDistance of the median matrix, relative to the base
 */
public record DerivationLimits(double leastCosine, double mostDistance) {
    /**
     * 0.9 and 0.5: an angle of 26 degrees. Unrelated matrices of these sizes are at 90 degrees, give or take less
     * than one.
     */
    public static final DerivationLimits USUAL = new DerivationLimits(0.9, 0.5);
}
