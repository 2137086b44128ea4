package dev.instaflow.train.transplant;

import java.util.List;
import java.util.regex.Pattern;

/**
 * How much of the change is added, by weight.
 *
 * @param usual where no rule says otherwise
 * @param rules the first whose pattern is found in a CompVis name counts
 */
public record BlockStrength(double usual, List<Rule> rules) {
    /**
     * A strength for some weights.
     *
     * @param pattern looked for in CompVis names, such as {@code \.attn2\.}
     * @param strength 0 for none
     */
    public record Rule(Pattern pattern, double strength) {}

    /** Takes a copy. */
    public BlockStrength {
        rules = List.copyOf(rules);
        if (!Double.isFinite(usual) || rules.stream().anyMatch(r -> !Double.isFinite(r.strength))) {
            throw new IllegalArgumentException("a strength that is no number: " + usual + rules);
        }
    }

    /**
     * One for all.
     *
     * @param strength 1 for the whole change
     * @return without rules
     */
    public static BlockStrength of(double strength) {
        return new BlockStrength(strength, List.of());
    }

    /** Of one weight. */
    double of(String name) {
        return rules.stream()
                .filter(rule -> rule.pattern.matcher(name).find())
                .findFirst()
                .map(Rule::strength)
                .orElse(usual);
    }

    /** In words, for a file's metadata. */
    String description() {
        StringBuilder words = new StringBuilder("" + usual);
        rules.forEach(
                rule -> words.append(", ").append(rule.pattern).append(": ").append(rule.strength));
        return words.toString();
    }
}
