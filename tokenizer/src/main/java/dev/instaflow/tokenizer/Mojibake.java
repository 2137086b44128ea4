package dev.instaflow.tokenizer;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * UTF-8 that was decoded as windows-1252 (or Latin-1) or windows-1251, e.g. {@code cafÃ©} and
 * {@code РєРѕС‚}, back to what it was.
 * <p>A stretch of characters whose bytes in one of these sets are UTF-8 sequences is repaired if
 * they hold enough evidence, for real words can be such bytes too ({@code CAFÉ»}). ftfy 6.3.1 has
 * more: eight further character sets, lost or altered bytes, and a table of improbable neighbours
 * in place of our evidence.
 */
final class Mojibake {
    /**
     * Evidence that suffices: one sequence that real text hardly has, or three that it might have.
     */
    private static final int ENOUGH = 3;

    private Mojibake() {}

    static String repair(String text) {
        String repaired = text;
        // Text may have been through it twice; every repair makes it shorter, so this ends.
        for (String next = once(text); !next.equals(repaired); next = once(next)) {
            repaired = next;
        }
        return repaired;
    }

    private static String once(String text) {
        String repaired = text;
        for (LegacyCharset charset : LegacyCharset.values()) {
            repaired = once(repaired, charset);
        }
        return repaired;
    }

    private static String once(String text, LegacyCharset charset) {
        byte[] bytes = bytesOf(text, charset);
        StringBuilder out = new StringBuilder(text.length());
        for (int start = 0; start < bytes.length; ) {
            int end = start;
            int evidence = 0;
            for (int n = sequenceLength(bytes, end); n > 0; n = sequenceLength(bytes, end)) {
                evidence += evidence(bytes[end] & 0xFF, text.charAt(end + 1), charset);
                end += n;
            }
            if (evidence >= ENOUGH) {
                out.append(decode(bytes, start, end, text));
            } else {
                end = Math.max(end, start + 1);
                out.append(text, start, end);
            }
            start = end;
        }
        return out.toString();
    }

    /**
     * @return a byte for each character; 0, which begins and continues no sequence, where there is
     *     none
     */
    private static byte[] bytesOf(String text, LegacyCharset charset) {
        byte[] bytes = new byte[text.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = text.charAt(i);
            bytes[i] = c < 0x80 ? 0 : (byte) Math.max(0, charset.byteOf(c));
        }
        return bytes;
    }

    /** @return length of the UTF-8 sequence of two or more bytes that begins here, or 0 */
    private static int sequenceLength(byte[] bytes, int start) {
        int lead = start < bytes.length ? bytes[start] & 0xFF : 0;
        int length = lead < 0xC2 || lead > 0xF4 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (start + length > bytes.length) {
            return 0;
        }
        for (int i = start + 1; i < start + length; i++) {
            if ((bytes[i] & 0xC0) != 0x80) {
                return 0;
            }
        }
        return length;
    }

    private static String decode(byte[] bytes, int start, int end, String text) {
        try {
            ByteBuffer sequences = ByteBuffer.wrap(bytes, start, end - start);
            return StandardCharsets.UTF_8.newDecoder().decode(sequences).toString();
        } catch (CharacterCodingException e) {
            return text.substring(start, end); // overlong or a surrogate, so it never was UTF-8
        }
    }

    private static int evidence(int lead, char second, LegacyCharset charset) {
        boolean surely =
                switch (charset) {
                    case WINDOWS_1252 -> surelyWestern(lead, second);
                    case WINDOWS_1251 -> lead == 0xE2 && second == 'Ђ'; // вЂ: punctuation
                };
        return surely ? ENOUGH : 1;
    }

    private static boolean surelyWestern(int lead, char second) {
        return second < 0xA0
                || switch (lead) {
                    // Â, Ã: Latin-1's upper half; Ð: Cyrillic
                    case 0xC2, 0xC3, 0xD0 -> true;
                    case 0xE2 -> "€‚ƒ„…†‡ˆ‰Š‹Œ".indexOf(second) >= 0; // â€: punctuation, symbols
                    case 0xEF ->
                            second == '»'
                                    || second == '¸'
                                    || second == '¼'; // byte order mark, widths
                    case 0xF0 -> second == 'Ÿ'; // ðŸ: emoji
                    // Accents of capitals stand before closing signs in real text; not before
                    // these.
                    default -> "¦¤¨¬¯¸ƒˆ˜†‡‰ªº".indexOf(second) >= 0;
                };
    }
}
