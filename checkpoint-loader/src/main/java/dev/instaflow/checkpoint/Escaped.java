package dev.instaflow.checkpoint;

/**
 * Strings that come from a file, made safe for messages and terminals: control characters, escapes,
 * direction marks and lone surrogates are shown as {@code \}{@code uXXXX}, and long strings are cut.
 */
public final class Escaped {
    /** Longer strings are cut in the middle; the longest key of a Stable Diffusion file has 112. */
    private static final int LONGEST = 160;

    private Escaped() {}

    /**
     * A string between double quotes, escaped and shortened.
     *
     * @param text anything a file holds
     * @return printable, at most a few characters longer than the limit
     */
    public static String quote(String text) {
        return '"' + plain(text) + '"';
    }

    /**
     * A string escaped and shortened, without quotes.
     *
     * @param text anything a file holds
     * @return printable
     */
    public static String plain(String text) {
        StringBuilder out = new StringBuilder();
        if (text.length() <= LONGEST) {
            append(out, text);
            return out.toString();
        }
        append(out, text.substring(0, LONGEST / 2));
        out.append("...");
        append(out, text.substring(text.length() - LONGEST / 2));
        return out.append(" (").append(text.length()).append(" characters)").toString();
    }

    private static void append(StringBuilder out, String text) {
        int i = 0;
        while (i < text.length()) {
            int point = text.codePointAt(i);
            i += Character.charCount(point);
            if (point == '"' || point == '\\') {
                out.append('\\').append((char) point);
            } else if (isPrintable(point)) {
                out.appendCodePoint(point);
            } else {
                out.append(String.format("\\u%04x", point));
            }
        }
    }

    private static boolean isPrintable(int point) {
        return switch (Character.getType(point)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    false;
            default -> true;
        };
    }
}
