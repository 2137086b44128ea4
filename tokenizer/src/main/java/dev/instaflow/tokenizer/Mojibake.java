package dev.instaflow.tokenizer;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * UTF-8 that was decoded as windows-1252 (or Latin-1) or windows-1251, e.g. {@code cafÃ©} and {@code РєРѕС‚},
 * back to what it was.
 * <p>A run of characters beyond ASCII is repaired if its bytes in one of these sets are all valid UTF-8 and
 * hold enough evidence, for real words can be such bytes too ({@code CAFÉ»}). ftfy 6.3.1 has more: eight further
 * character sets, lost or altered bytes, and a table of improbable neighbours in place of our evidence.
 */
final class Mojibake {
    /** Evidence that suffices: one sequence that real text hardly has, or three that it might have. */
    private static final int ENOUGH = 3;

    private Mojibake() {}

    static String repair(String text) {
        StringBuilder out = new StringBuilder(text.length());
        int done = 0;
        for (int start = 0; start < text.length(); ) {
            int end = start;
            while (end < text.length() && text.charAt(end) >= 0x80) {
                end++;
            }
            if (end > start) {
                out.append(text, done, start).append(repairRun(text.substring(start, end)));
                done = end;
            }
            start = end + 1;
        }
        return out.append(text, done, text.length()).toString();
    }

    private static String repairRun(String run) {
        String text = run;
        // Text may have been through it twice; every repair makes it shorter, so this ends.
        for (String next = once(text); !next.equals(text); next = once(text)) {
            text = next;
        }
        return text;
    }

    private static String once(String run) {
        for (LegacyCharset charset : LegacyCharset.values()) {
            byte[] bytes = bytesOf(run, charset);
            if (bytes.length > 0 && evidence(run, bytes, charset) >= ENOUGH) {
                try {
                    return StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(bytes))
                            .toString();
                } catch (CharacterCodingException e) {
                    continue; // not UTF-8, so it was not decoded wrongly in this way
                }
            }
        }
        return run;
    }

    /** @return the bytes the run was decoded from, or none if {@code charset} lacks a character of it */
    private static byte[] bytesOf(String run, LegacyCharset charset) {
        byte[] bytes = new byte[run.length()];
        for (int i = 0; i < bytes.length; i++) {
            int value = charset.byteOf(run.charAt(i));
            if (value < 0) {
                return new byte[0];
            }
            bytes[i] = (byte) value;
        }
        return bytes;
    }

    private static int evidence(String run, byte[] bytes, LegacyCharset charset) {
        int sum = 0;
        for (int i = 0; i + 1 < bytes.length; i++) {
            int lead = bytes[i] & 0xFF;
            if (lead >= 0xC2 && lead <= 0xF4) {
                sum +=
                        charset == LegacyCharset.WINDOWS_1252
                                ? westernEvidence(lead, run.charAt(i + 1))
                                : cyrillicEvidence(lead);
            }
        }
        return sum;
    }

    private static int westernEvidence(int lead, char second) {
        boolean surely =
                switch (lead) {
                    case 0xC2, 0xC3 -> true; // Â and Ã before a symbol: Latin-1's upper half
                    case 0xE2 ->
                            "€‚ƒ„…†‡ˆ‰Š‹Œ".indexOf(second) >= 0 || second < 0xA0; // â€: punctuation
                    case 0xEF ->
                            second == '»'
                                    || second == '¸'
                                    || second == '¼'; // byte order mark, full width
                    case 0xF0 -> second == 'Ÿ' || second < 0xA0; // ðŸ: emoji
                    // Accents of capitals stand before closing signs in real text; not before
                    // these.
                    default -> "¦¤¨¬¯¸ƒˆ˜†‡‰ªº".indexOf(second) >= 0 || second < 0xA0;
                };
        return surely ? ENOUGH : 1;
    }

    /** Р and С lead every letter of the Russian alphabet; В is the lead of punctuation's first half. */
    private static int cyrillicEvidence(int lead) {
        return lead == 0xD0 || lead == 0xD1 || lead == 0xE2 ? 1 : 0;
    }
}
