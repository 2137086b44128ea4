package dev.instaflow.train.lora;

/**
 * How many singular values of a difference are kept.
 *
 * @param most at least 1
 * @param share of the difference's energy (sum of squares) that is enough; 1 for always the most
 */
public record RankRule(int most, double share) {
    /** Checks the ranges. */
    public RankRule {
        if (most < 1 || !(share > 0 && share <= 1)) {
            throw new IllegalArgumentException(
                    "a LoRA of rank %d or energy %s; expected at least 1, and a share in (0,1]"
                            .formatted(most, share));
        }
    }

    /**
     * The same for every weight.
     *
     * @param rank at least 1
     * @return the rule
     */
    public static RankRule fixed(int rank) {
        return new RankRule(rank, 1);
    }
}
