package dev.instaflow.ptx;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The words of a PTX text with their lines, and a position among them. */
final class Tokens {
    private static final Pattern WORD =
            Pattern.compile(
                    "(?<skip>//[^\\n]*|/\\*.*?\\*/|\\s+)"
                            + "|\"[^\"\\n]*\"|[.%$_A-Za-z][\\w$.%]*(?:::\\w+[\\w.]*)*"
                            + "|[0-9]+\\.[0-9]*(?:[eE][-+]?[0-9]+)?|[0-9]\\w*|[-+,;{}\\[\\]()|:@!<>=]",
                    Pattern.DOTALL);

    private final String source;
    private final List<String> words = new ArrayList<>();
    private final List<Integer> lines = new ArrayList<>();
    private int next;

    Tokens(String source, String text) {
        this.source = source;
        Matcher matcher = WORD.matcher(text);
        int at = 0;
        int line = 1;
        while (at < text.length()) {
            if (!matcher.find(at) || matcher.start() != at) {
                throw new PtxException(source, line, "cannot read '" + text.charAt(at) + "'");
            }
            if (matcher.group("skip") == null) {
                add(matcher.group(), line);
            }
            line += (int) matcher.group().chars().filter(c -> c == '\n').count();
            at = matcher.end();
        }
        lines.add(line);
    }

    /** Directives may be written together, as in {@code .reg.b16}. */
    private void add(String word, int line) {
        if (word.startsWith(".")) {
            for (String part : word.substring(1).split("\\.")) {
                words.add("." + part);
                lines.add(line);
            }
        } else {
            words.add(word);
            lines.add(line);
        }
    }

    boolean atEnd() {
        return next == words.size();
    }

    /** Line of the next word. */
    int line() {
        return lines.get(next);
    }

    /** The next word, empty at the end. */
    String peek() {
        return atEnd() ? "" : words.get(next);
    }

    String take() {
        if (atEnd()) {
            throw error("the text ends within a statement");
        }
        return words.get(next++);
    }

    boolean takeIf(String word) {
        if (!peek().equals(word)) {
            return false;
        }
        next++;
        return true;
    }

    void expect(String word) {
        if (!takeIf(word)) {
            throw error("expected '" + word + "', found '" + peek() + "'");
        }
    }

    void skipPast(String word) {
        while (!take().equals(word)) {
            // everything up to the word is of no interest
        }
    }

    /** Skips what is left of a line, for directives that have no terminator. */
    void skipLine(int line) {
        while (!atEnd() && line() == line) {
            next++;
        }
    }

    int takeInt() {
        int line = line();
        String word = take();
        try {
            return Math.toIntExact(integer(word));
        } catch (NumberFormatException | ArithmeticException e) {
            throw new PtxException(source, line, "expected a 32-bit integer, found '" + word + "'");
        }
    }

    /** Reads 12, 12U, 0x1F, 0X1fU, 017. */
    static long integer(String word) {
        String digits = word.endsWith("U") ? word.substring(0, word.length() - 1) : word;
        if (digits.startsWith("0x") || digits.startsWith("0X")) {
            return Long.parseUnsignedLong(digits.substring(2), 16);
        }
        boolean octal = digits.length() > 1 && digits.startsWith("0");
        return Long.parseUnsignedLong(digits, octal ? 8 : 10);
    }

    PtxException error(String problem) {
        return error(lines.get(Math.min(next, lines.size() - 1)), problem);
    }

    PtxException error(int line, String problem) {
        return new PtxException(source, line, problem);
    }
}
