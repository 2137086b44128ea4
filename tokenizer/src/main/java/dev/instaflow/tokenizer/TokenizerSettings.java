package dev.instaflow.tokenizer;

import java.util.Objects;

/**
 * How prompts become model inputs.
 *
 * @param maxLength length of a model input, start and end of text included, at least 3
 * @param padding what fills it
 * @param truncation what happens to longer prompts
 * @param cleanup what happens to the text first
 */
public record TokenizerSettings(
        int maxLength, Padding padding, Truncation truncation, TextCleanup cleanup) {
    /** Start of text, end of text, and at least one token between. */
    private static final int SHORTEST = 3;

    public TokenizerSettings {
        if (maxLength < SHORTEST) {
            throw new IllegalArgumentException(
                    "maxLength is " + maxLength + ", expected at least " + SHORTEST);
        }
        Objects.requireNonNull(padding, "padding");
        Objects.requireNonNull(truncation, "truncation");
        Objects.requireNonNull(cleanup, "cleanup");
    }

    /**
     * @return Stable Diffusion 1.x and InstaFlow: 77, padded with end of text, cleaned as OpenAI
     *     does
     */
    public static TokenizerSettings clip() {
        return new TokenizerSettings(
                77, Padding.END_OF_TEXT, Truncation.KEEP_START, TextCleanup.OPENAI);
    }

    /** @return the bundled emoji model: 24, padded with end of text, NFC and lower case */
    public static TokenizerSettings tinyEmoji() {
        return new TokenizerSettings(
                24, Padding.END_OF_TEXT, Truncation.KEEP_START, TextCleanup.NFC_LOWER_CASE);
    }

    /** @return these settings with another length of a model input */
    public TokenizerSettings withMaxLength(int maxLength) {
        return new TokenizerSettings(maxLength, padding, truncation, cleanup);
    }

    /** @return these settings with another padding */
    public TokenizerSettings withPadding(Padding padding) {
        return new TokenizerSettings(maxLength, padding, truncation, cleanup);
    }

    /** @return these settings with another rule for long prompts */
    public TokenizerSettings withTruncation(Truncation truncation) {
        return new TokenizerSettings(maxLength, padding, truncation, cleanup);
    }

    /** @return these settings with another cleaning of the text */
    public TokenizerSettings withCleanup(TextCleanup cleanup) {
        return new TokenizerSettings(maxLength, padding, truncation, cleanup);
    }

    /** @return how many tokens of text a model input holds, between start and end */
    public int textLength() {
        return maxLength - 2;
    }
}
