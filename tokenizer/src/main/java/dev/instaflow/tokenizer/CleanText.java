package dev.instaflow.tokenizer;

/**
 * Text after cleaning, ready to be cut into words.
 *
 * @param chars lower case; may be longer than the text
 * @param length how many of them are the text
 */
record CleanText(char[] chars, int length) {
    static CleanText of(String text) {
        return new CleanText(text.toCharArray(), text.length());
    }

    /** @return the text from {@code start} on */
    String from(int start) {
        return new String(chars, start, length - start);
    }
}
