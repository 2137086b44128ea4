package dev.instaflow.tokenizer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** HTML character references back to characters, in the two ways that the original's chain uses. */
final class HtmlEntities {
    private static final Pattern LENIENT =
            Pattern.compile("&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\\t\\n\\f <&#;]{1,32};?)");
    private static final Pattern STRICT = Pattern.compile("&#?[0-9A-Za-z]{1,24};");
    private static final int MAX_DIGITS = 9; // more than any code point has, fewer than an int

    /** The table is read when the first {@code &} comes by, since most prompts have none. */
    private static final class Names {
        static final Map<String, String> TABLE = load();

        private static Map<String, String> load() {
            Map<String, String> table = new HashMap<>(4096);
            try (InputStream in = HtmlEntities.class.getResourceAsStream("html-entities.txt");
                    BufferedReader lines =
                            new BufferedReader(
                                    new InputStreamReader(in, StandardCharsets.US_ASCII))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (!line.startsWith("#")) {
                        int tab = line.indexOf('\t');
                        StringBuilder characters = new StringBuilder();
                        for (String hex : line.substring(tab + 1).split(" ")) {
                            characters.appendCodePoint(Integer.parseInt(hex, 16));
                        }
                        table.put(line.substring(0, tab), characters.toString());
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException("the jar's own html-entities.txt cannot be read", e);
            }
            return table;
        }
    }

    private HtmlEntities() {}

    /**
     * The HTML standard's rules, as Python's {@code html.unescape}: also without a semicolon, and a
     * known name at the head of an unknown one ({@code &notit;} becomes {@code ¬it;}).
     */
    static String unescape(String text) {
        if (text.indexOf('&') < 0) {
            return text;
        }
        return LENIENT.matcher(text).replaceAll(match -> literal(lenient(match.group(1))));
    }

    /**
     * ftfy's rules: only with a semicolon and wholly known; also names in capitals, where they mean
     * nothing else ({@code &EACUTE;} becomes {@code É}).
     */
    static String unescapeStrictly(String text) {
        if (text.indexOf('&') < 0) {
            return text;
        }
        return STRICT.matcher(text).replaceAll(match -> literal(strict(match)));
    }

    private static String literal(String replacement) {
        return Matcher.quoteReplacement(replacement);
    }

    private static String strict(MatchResult match) {
        String whole = match.group();
        if (whole.charAt(1) == '#') {
            String character = unescape(whole);
            return character.indexOf(';') >= 0 ? whole : character;
        }
        String name = whole.substring(1);
        String exact = Names.TABLE.get(name);
        if (exact != null) {
            return exact;
        }
        String lower = name.toLowerCase(Locale.ROOT);
        boolean capitals =
                name.equals(name.toUpperCase(Locale.ROOT)) && unescape(whole).equals(whole);
        return capitals && Names.TABLE.containsKey(lower)
                ? Names.TABLE.get(lower).toUpperCase(Locale.ROOT)
                : whole;
    }

    private static String lenient(String reference) {
        if (reference.charAt(0) == '#') {
            return numeric(reference);
        }
        for (int end = reference.length(); end > 1; end--) {
            String known = Names.TABLE.get(reference.substring(0, end));
            if (known != null) {
                return known + reference.substring(end);
            }
        }
        return "&" + reference;
    }

    private static String numeric(String reference) {
        int end = reference.endsWith(";") ? reference.length() - 1 : reference.length();
        boolean hex = reference.charAt(1) == 'x' || reference.charAt(1) == 'X';
        String digits = reference.substring(hex ? 2 : 1, end).replaceFirst("^0+(?=.)", "");
        long value =
                digits.length() > MAX_DIGITS
                        ? Long.MAX_VALUE
                        : Long.parseLong(digits, hex ? 16 : 10);
        if (value == 0 || value > Character.MAX_CODE_POINT || value >= 0xD800 && value <= 0xDFFF) {
            return "\uFFFD";
        }
        int point = (int) value;
        if (point >= 0x80 && point <= 0x9F) {
            return String.valueOf(LegacyCharset.WINDOWS_1252.character(point));
        }
        return isNoCharacter(point) ? "" : Character.toString(point);
    }

    /** Code points that the standard calls parse errors, which Python drops. */
    private static boolean isNoCharacter(int point) {
        return point < ' ' && !(point >= '\t' && point <= '\r' && point != 0x0B)
                || point == 0x7F
                || point == 0x0B
                || point >= 0xFDD0 && point <= 0xFDEF
                || (point & 0xFFFE) == 0xFFFE;
    }
}
