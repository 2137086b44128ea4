package dev.instaflow.tokenizer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The printable character that stands for each byte in vocabulary and merges files.
 * <p>GPT-2's table ({@code bytes_to_unicode}): the printable Latin-1 bytes stand for themselves,
 * the other 68 are U+0100 upwards in byte order. Ids of the 256 bytes follow the same order:
 * printable ones first.
 */
final class ByteAlphabet {
    /** What the file writes behind the last byte of a word. */
    static final String END_OF_WORD = "</w>";

    private static final int BYTES = 256;
    private static final int FIRST_STAND_IN = 0x100;
    private static final int NONE = -1;

    private static final int[] ORDER = new int[BYTES];
    private static final char[] CHAR_OF_BYTE = new char[BYTES];
    private static final int[] BYTE_OF_CHAR = new int[2 * BYTES];

    static {
        java.util.Arrays.fill(BYTE_OF_CHAR, NONE);
        int place = 0;
        for (int value = 0; value < BYTES; value++) {
            if (standsForItself(value)) {
                assign(place++, value, (char) value);
            }
        }
        char standIn = FIRST_STAND_IN;
        for (int value = 0; value < BYTES; value++) {
            if (!standsForItself(value)) {
                assign(place++, value, standIn++);
            }
        }
    }

    private ByteAlphabet() {}

    private static boolean standsForItself(int value) {
        return value >= '!' && value <= '~'
                || value >= 0xA1 && value <= 0xAC
                || value >= 0xAE && value <= 0xFF;
    }

    private static void assign(int place, int value, char character) {
        ORDER[place] = value;
        CHAR_OF_BYTE[value] = character;
        BYTE_OF_CHAR[character] = value;
    }

    /**
     * @param place 0..255
     * @return the byte (0..255) whose id is {@code place} in a freshly made vocabulary
     */
    static int byteAt(int place) {
        return ORDER[place];
    }

    /** @param value 0..255 @return its character, as a string */
    static String piece(int value) {
        return String.valueOf(CHAR_OF_BYTE[value]);
    }

    /** @param value 0..255 @return its piece at the end of a word */
    static String lastPiece(int value) {
        // Not "+": the first of these in a process costs 10 ms, and this is on the way of a cold
        // start.
        return piece(value).concat(END_OF_WORD);
    }

    /** @return whether every character of {@code piece} stands for a byte */
    static boolean covers(String piece) {
        for (int i = 0; i < piece.length(); i++) {
            char c = piece.charAt(i);
            if (c >= BYTE_OF_CHAR.length || BYTE_OF_CHAR[c] == NONE) {
                return false;
            }
        }
        return true;
    }

    /**
     * Text of pieces written in this alphabet; bytes that are no UTF-8 become U+FFFD.
     *
     * @param pieces concatenated pieces, every character in the alphabet
     */
    static String decode(CharSequence pieces) {
        ByteBuffer bytes = ByteBuffer.allocate(pieces.length());
        for (int i = 0; i < pieces.length(); i++) {
            bytes.put((byte) BYTE_OF_CHAR[pieces.charAt(i)]);
        }
        return StandardCharsets.UTF_8.decode(bytes.flip()).toString();
    }
}
