package dev.instaflow.tokenizer;

import java.text.Normalizer;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * Repairs what goes wrong with text on its way, as ftfy 6.3.1's {@code fix_text} does with its
 * defaults: HTML entities (unless there is a {@code <}), UTF-8 decoded as something else ({@link
 * Mojibake}), C1 controls, Latin ligatures and digraphs, full and half width forms, curly quotes,
 * line ends, lone surrogates, terminal escapes, control characters, NFC; line by line, until
 * nothing changes.
 * <p>Deviation: which text counts as wrongly decoded is our own, narrower rule; see {@link
 * Mojibake}.
 */
final class FaultyText {
    private static final Pattern SINGLE_QUOTES = Pattern.compile("[\u02BC\u2018-\u201B]");
    private static final Pattern DOUBLE_QUOTES = Pattern.compile("[\u201C-\u201F]");
    private static final Pattern LINE_ENDS = Pattern.compile("\r\n|[\r\u2028\u2029\u0085]");
    private static final Pattern TERMINAL_ESCAPE = Pattern.compile("\u001B\\[[\\d;]*[a-zA-Z]");
    private static final Pattern CONTROLS =
            Pattern.compile(
                    "[\\x00-\\x08\\x0B\\x0E-\\x1F\\x7F\\u206A-\\u206F\\uFEFF\\uFFF9-\\uFFFC]");

    private FaultyText() {}

    static String fix(String text) {
        StringBuilder fixed = new StringBuilder(text.length());
        UnaryOperator<String> entities = HtmlEntities::unescapeStrictly;
        for (int start = 0; start < text.length(); ) {
            int end = text.indexOf('\n', start) + 1;
            end = end == 0 ? text.length() : end;
            String line = text.substring(start, end);
            if (line.indexOf('<') >= 0) {
                entities = UnaryOperator.identity(); // markup: no entities from here on
            }
            fixed.append(fixLine(line, entities));
            start = end;
        }
        return fixed.toString();
    }

    private static String fixLine(String line, UnaryOperator<String> entities) {
        String fixed = line;
        while (true) {
            String next = fixCharacters(entities.apply(fixed));
            if (next.equals(fixed)) {
                return fixed;
            }
            fixed = next;
        }
    }

    private static String fixCharacters(String line) {
        String text = replaceOdd(Mojibake.repair(line));
        text = DOUBLE_QUOTES.matcher(text).replaceAll("\"");
        text = SINGLE_QUOTES.matcher(text).replaceAll("'");
        text = LINE_ENDS.matcher(text).replaceAll("\n");
        text = TERMINAL_ESCAPE.matcher(text).replaceAll("");
        text = CONTROLS.matcher(text).replaceAll("");
        return Normalizer.normalize(text, Normalizer.Form.NFC);
    }

    /**
     * C1 controls, ligatures, widths and lone surrogates: what is decided one character at a time.
     */
    private static String replaceOdd(String text) {
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); ) {
            int point = text.codePointAt(i);
            i += Character.charCount(point);
            if (point >= 0x80 && point <= 0x9F) {
                out.append(LegacyCharset.WINDOWS_1252.character(point));
            } else if (point == 0x3000) {
                out.append(' ');
            } else if (isLatinLigature(point) || point >= 0xFF01 && point <= 0xFFEF) {
                out.append(compatible(point));
            } else if (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
                out.append('\uFFFD');
            } else {
                out.appendCodePoint(point);
            }
        }
        return out.toString();
    }

    private static boolean isLatinLigature(int point) {
        return point == 'Ĳ'
                || point == 'ĳ'
                || point == 'ŉ'
                || point >= 'Ǆ' && point <= 'ǌ'
                || point >= 'Ǳ' && point <= 'ǳ'
                || point >= 'ﬀ' && point <= 'ﬆ';
    }

    /** The compatibility form; but the long s in its ligature with t stays long, as in ftfy. */
    private static String compatible(int point) {
        return point == 'ﬅ'
                ? "ſt"
                : Normalizer.normalize(Character.toString(point), Normalizer.Form.NFKC);
    }
}
