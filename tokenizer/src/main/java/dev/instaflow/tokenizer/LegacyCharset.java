package dev.instaflow.tokenizer;

import java.nio.charset.Charset;

/** One-byte character sets that UTF-8 text is found wrongly decoded in. */
enum LegacyCharset {
    WINDOWS_1252("windows-1252"),
    WINDOWS_1251("windows-1251");

    private static final int UPPER_HALF = 0x80;
    private static final int BYTES = 0x100;

    private final char[] characters = new char[BYTES];

    LegacyCharset(String name) {
        Charset charset = Charset.forName(name);
        for (int value = 0; value < BYTES; value++) {
            char c = new String(new byte[] {(byte) value}, charset).charAt(0);
            // Bytes without a character are left as they are, as browsers do.
            characters[value] = c == '\uFFFD' ? (char) value : c;
        }
    }

    /** @param value 0..255 */
    char character(int value) {
        return characters[value];
    }

    /**
     * @param c a character that is not ASCII
     * @return the byte (0x80..0xFF) it was decoded from, C1 controls from themselves, or -1
     */
    int byteOf(char c) {
        for (int value = UPPER_HALF; value < BYTES; value++) {
            if (characters[value] == c) {
                return value;
            }
        }
        return c >= UPPER_HALF && c < 0xA0 ? c : -1;
    }
}
