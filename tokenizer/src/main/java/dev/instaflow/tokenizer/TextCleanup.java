package dev.instaflow.tokenizer;

import java.text.Normalizer;

/**
 * What happens to a prompt before it is cut into words. The ways differ on few prompts (curly
 * quotes, decomposed accents, Chinese, HTML), but there the ids differ, so use the one the model
 * was trained with.
 */
public enum TextCleanup {
    /**
     * OpenAI's CLIP with ftfy 6.3.1 installed, which is how Stable Diffusion's text encoder was
     * trained: {@link FaultyText}, HTML unescaped twice, white space collapsed, lower case.
     */
    OPENAI {
        @Override
        String cleanOdd(String text) {
            return OPENAI_WITHOUT_FTFY.cleanOdd(FaultyText.fix(text));
        }
    },

    /**
     * OpenAI's CLIP where ftfy is not installed: HTML unescaped twice, white space collapsed, lower
     * case.
     */
    OPENAI_WITHOUT_FTFY {
        @Override
        String cleanOdd(String text) {
            String plain = HtmlEntities.unescape(HtmlEntities.unescape(text));
            return LowerCase.of(strip(plain));
        }
    },

    /**
     * Hugging Face transformers' CLIPTokenizer where ftfy is not installed: control, format,
     * private-use and unassigned characters dropped, Chinese characters apart, NFC, lower case.
     */
    TRANSFORMERS_WITHOUT_FTFY {
        @Override
        String cleanOdd(String text) {
            return LowerCase.of(Normalizer.normalize(spaceChinese(text), Normalizer.Form.NFC));
        }
    },

    /** NFC and lower case, nothing else: transformers' fast tokenizer, and the bundled model. */
    NFC_LOWER_CASE {
        @Override
        String cleanOdd(String text) {
            return LowerCase.of(Normalizer.normalize(text, Normalizer.Form.NFC));
        }
    };

    /** Cleans any text, without regard to speed. */
    abstract String cleanOdd(String text);

    /**
     * @return {@code text} cleaned; white space at the ends or in runs may be left, for words do
     *     not see it
     */
    CleanText clean(String text) {
        char[] lower = new char[text.length()];
        char previous = ' ';
        for (int i = 0; i < lower.length; i++) {
            char c = text.charAt(i);
            char plain = c < 0x80 ? lowerAscii(c) : lowerRussian(c, previous);
            if (plain == ODD) {
                return CleanText.of(cleanOdd(text));
            }
            lower[i] = plain;
            previous = c;
        }
        return new CleanText(lower, lower.length);
    }

    private static final char ODD = 0;
    private static final int FIRST_EMOJI = 0x1F300;
    private static final int LAST_EMOJI = 0x1FAFF;

    /**
     * @return the lower case, or {@link #ODD} if some way of cleaning does more than that to the
     *     character
     */
    private static char lowerAscii(char c) {
        if (c >= 'A' && c <= 'Z') {
            return (char) (c | 0x20);
        }
        boolean plain = c >= ' ' && c < 0x7F && c != '&' || c == '\n' || c == '\t';
        return plain ? c : ODD;
    }

    /**
     * The Russian letters, which nothing composes with unless a combining mark, itself odd,
     * follows.
     */
    private static char lowerRussian(char c, char previous) {
        if (c >= 'а' && c <= 'я') {
            return c;
        }
        if (c >= 'А' && c <= 'Я') {
            return (char) (c + 0x20);
        }
        // After Р or С they could be the second half of a letter that was decoded wrongly:
        // FaultyText sees to it.
        boolean plainIo = (c == 'ё' || c == 'Ё') && previous != 'Р' && previous != 'С';
        return plainIo ? 'ё' : ODD;
    }

    /** Python's {@code str.strip}: unlike {@code \s}, it also takes the four ASCII separators. */
    private static String strip(String text) {
        int start = 0;
        int end = text.length();
        while (start < end && isPythonSpace(text.charAt(start))) {
            start++;
        }
        while (end > start && isPythonSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(start, end);
    }

    private static boolean isPythonSpace(char c) {
        return c >= 0x1C && c <= 0x1F || WordSplitter.isWhiteSpace(c);
    }

    private static String spaceChinese(String text) {
        StringBuilder out = new StringBuilder(text.length() + 16);
        text.codePoints()
                .forEach(
                        point -> {
                            if (isChinese(point)) {
                                out.append(' ').appendCodePoint(point).append(' ');
                            } else if (point == '\t' || point == '\n' || point == '\r') {
                                out.append(' ');
                            } else if (!isDropped(point)) {
                                out.appendCodePoint(point);
                            }
                        });
        return out.toString();
    }

    private static boolean isDropped(int point) {
        return switch (Character.getType(point)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE ->
                    true;
            // What is unassigned depends on the JDK; the emoji that a newer Unicode added must not
            // vanish.
            case Character.UNASSIGNED -> point < FIRST_EMOJI || point > LAST_EMOJI;
            default -> point == 0xFFFD;
        };
    }

    /** The CJK ideograph blocks that BERT's BasicTokenizer sets apart. */
    private static boolean isChinese(int point) {
        return point >= 0x4E00 && point <= 0x9FFF
                || point >= 0x3400 && point <= 0x4DBF
                || point >= 0x20000 && point <= 0x2A6DF
                || point >= 0x2A700 && point <= 0x2CEAF
                || point >= 0xF900 && point <= 0xFAFF
                || point >= 0x2F800 && point <= 0x2FA1F;
    }
}
