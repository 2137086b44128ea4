package dev.instaflow.tokenizer;

/**
 * Unicode's full lower-casing without a locale, which is Python's {@code str.lower}. Not {@link
 * String#toLowerCase()}: that looks for word breaks to decide about the final sigma, where Unicode
 * (3.13, Final_Sigma) and Python look at the letters around it.
 */
final class LowerCase {
    private static final int CAPITAL_SIGMA = 0x3A3;
    private static final int SMALL_SIGMA = 0x3C3;
    private static final int FINAL_SIGMA = 0x3C2;
    private static final int CAPITAL_I_WITH_DOT = 0x130;

    private LowerCase() {}

    static String of(String text) {
        StringBuilder lower = new StringBuilder(text.length() + 2);
        for (int i = 0; i < text.length(); ) {
            int point = text.codePointAt(i);
            int next = i + Character.charCount(point);
            if (point == CAPITAL_SIGMA) {
                lower.appendCodePoint(isFinal(text, i, next) ? FINAL_SIGMA : SMALL_SIGMA);
            } else if (point == CAPITAL_I_WITH_DOT) {
                lower.append("i\u0307"); // the only letter whose lower case is longer, whatever the
                // locale
            } else {
                lower.appendCodePoint(Character.toLowerCase(point));
            }
            i = next;
        }
        return lower.toString();
    }

    private static boolean isFinal(String text, int start, int end) {
        int before = start;
        int point = -1;
        while (before > 0) {
            point = text.codePointBefore(before);
            before -= Character.charCount(point);
            if (!isCaseIgnorable(point)) {
                break;
            }
            point = -1;
        }
        return point >= 0 && isCased(point) && !casedFollows(text, end);
    }

    private static boolean casedFollows(String text, int start) {
        for (int i = start; i < text.length(); ) {
            int point = text.codePointAt(i);
            if (!isCaseIgnorable(point)) {
                return isCased(point);
            }
            i += Character.charCount(point);
        }
        return false;
    }

    private static boolean isCased(int point) {
        return Character.isLowerCase(point)
                || Character.isUpperCase(point)
                || Character.isTitleCase(point);
    }

    private static boolean isCaseIgnorable(int point) {
        return switch (Character.getType(point)) {
            case Character.NON_SPACING_MARK,
                    Character.ENCLOSING_MARK,
                    Character.FORMAT,
                    Character.MODIFIER_LETTER,
                    Character.MODIFIER_SYMBOL ->
                    true;
            // Word_Break MidLetter, MidNumLet and Single_Quote
            default -> "'.:·\u0387\u055F\u05F4‘’․‧\uFE13\uFE52\uFE55＇．：".indexOf(point) >= 0;
        };
    }
}
