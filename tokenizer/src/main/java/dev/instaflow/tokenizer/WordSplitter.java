package dev.instaflow.tokenizer;

/**
 * Goes through text word by word, as byte-pair encoding works on it. Cuts as CLIP's regular
 * expression does, ignoring case:
 * <pre>{@code
 * <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|
 * [\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
 * }</pre>
 * By hand, since {@code java.util.regex} with Unicode classes takes longer than all the rest of the
 * encoding.
 */
final class WordSplitter {
    private static final byte SPACE = 0;
    private static final byte LETTER = 1;
    private static final byte NUMBER = 2;
    private static final byte OTHER = 3;

    /**
     * A combining mark that the expression matches nowhere, so that it goes as white space does:
     * regardless of case it equals the letter iota, but it is no letter itself.
     */
    private static final int SUBSCRIPT_IOTA = 0x345;

    private static final byte[] ASCII = new byte[0x80];

    static {
        for (char c = 0; c < ASCII.length; c++) {
            ASCII[c] = classify(c);
        }
    }

    private final char[] text;
    private final int length;
    private int start;
    private int end;

    /** A place before the first word of {@code clean}. */
    WordSplitter(CleanText clean) {
        this.text = clean.chars();
        this.length = clean.length();
    }

    /** Goes to the next word. @return whether there is one */
    boolean next() {
        start = skipSpace(text, end, length);
        end = start < length ? wordEnd(text, start, length) : length;
        return start < length;
    }

    /** @return where the word begins in {@link CleanText#chars} */
    int start() {
        return start;
    }

    /** @return where the word ends in {@link CleanText#chars} */
    int end() {
        return end;
    }

    private static int skipSpace(char[] text, int start, int length) {
        int i = start;
        while (i < length && classAt(text, i, length) == SPACE) {
            i++; // all of them are in the basic plane
        }
        return i;
    }

    private static int wordEnd(char[] text, int start, int length) {
        byte first = classAt(text, start, length);
        if (first == OTHER) {
            int special = specialEnd(text, start, length);
            if (special > start) {
                return special;
            }
        }
        int end = start + charsAt(text, start, length);
        if (first == NUMBER) {
            return end;
        }
        while (end < length && classAt(text, end, length) == first) {
            end += charsAt(text, end, length);
        }
        return end;
    }

    /**
     * @return end of the special piece or contraction at {@code start}, or {@code start} if there
     *     is none
     */
    private static int specialEnd(char[] text, int start, int length) {
        if (text[start] == '<') {
            return startsWith(text, start, length, Vocabulary.START_OF_TEXT)
                    ? start + Vocabulary.START_OF_TEXT.length()
                    : startsWith(text, start, length, Vocabulary.END_OF_TEXT)
                            ? start + Vocabulary.END_OF_TEXT.length()
                            : start;
        }
        if (text[start] != '\'' || start + 1 >= length) {
            return start;
        }
        char second = start + 2 < length ? fold(text[start + 2]) : ' ';
        return switch (fold(text[start + 1])) {
            case 's', 't', 'm', 'd' -> start + 2;
            case 'r', 'v' -> second == 'e' ? start + 3 : start;
            case 'l' -> second == 'l' ? start + 3 : start;
            default -> start;
        };
    }

    private static boolean startsWith(char[] text, int start, int length, String expected) {
        if (length - start < expected.length()) {
            return false;
        }
        for (int i = 0; i < expected.length(); i++) {
            if (fold(text[start + i]) != expected.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** Simple case folding, as far as the expression's own letters are concerned. */
    private static char fold(char c) {
        return c == 'ſ' ? 's' : Character.toLowerCase(c);
    }

    private static byte classAt(char[] text, int i, int length) {
        char c = text[i];
        return c < ASCII.length ? ASCII[c] : classify(Character.codePointAt(text, i, length));
    }

    private static int charsAt(char[] text, int i, int length) {
        return Character.charCount(Character.codePointAt(text, i, length));
    }

    private static byte classify(int point) {
        if (point == SUBSCRIPT_IOTA) {
            return SPACE;
        }
        if (Character.isLetter(point)) {
            return LETTER;
        }
        return switch (Character.getType(point)) {
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
                    NUMBER;
            default -> isWhiteSpace(point) ? SPACE : OTHER;
        };
    }

    /**
     * Unicode's White_Space, which is what {@code \s} means to the original's regular expressions.
     */
    static boolean isWhiteSpace(int point) {
        return point >= '\t' && point <= '\r'
                || point == ' '
                || point == 0x85
                || point == 0xA0
                || point > 0xFF && Character.isSpaceChar(point);
    }
}
