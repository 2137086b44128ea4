package dev.instaflow.tokenizer;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Emphasis signs in prompts, by the rules of the AUTOMATIC1111 web UI ({@code
 * parse_prompt_attention}):
 * <ul>
 *   <li>{@code (text)} multiplies the weight by 1.1, {@code [text]} divides it by 1.1; both nest;
 *   <li>{@code (text:1.2)} multiplies by the number instead; {@code [text:1.2]} does not: there it
 *       is text;
 *   <li>a backslash makes the bracket behind it plain text;
 *   <li>a bracket that is never closed reaches to the end; one that was never opened is plain text.
 * </ul>
 */
public final class PromptEmphasis {
    private static final double STEP = 1.1;

    /**
     * An escaped sign, a sign, {@code :1.2)}, a stretch without signs, or a lone backslash or
     * colon.
     */
    private static final Pattern TOKEN =
            Pattern.compile(
                    "\\\\[()\\[\\]\\\\]|[(\\[\\])]|:\\s*([+-]?[.\\d]+)\\s*\\)"
                            + "|[^\\\\()\\[\\]:]+|[\\\\:]");

    private final List<StringBuilder> texts = new ArrayList<>();
    private final List<Double> weights = new ArrayList<>();
    private final Deque<Integer> round =
            new ArrayDeque<>(); // which stretch each open bracket stands before
    private final Deque<Integer> square = new ArrayDeque<>();

    private PromptEmphasis() {}

    /**
     * @return the stretches of {@code prompt} in order, neighbours of equal weight joined; at least
     *     one
     */
    public static List<WeightedText> parse(String prompt) {
        PromptEmphasis parser = new PromptEmphasis();
        Matcher token = TOKEN.matcher(prompt);
        while (token.find()) {
            parser.take(token.group(), token.group(1) == null ? "" : token.group(1));
        }
        parser.round.forEach(start -> parser.scale(start, STEP));
        parser.square.forEach(start -> parser.scale(start, 1 / STEP));
        return parser.joined();
    }

    private void take(String token, String number) {
        if (token.length() > 1 && token.charAt(0) == '\\') {
            add(token.substring(1));
        } else if (token.equals("(")) {
            round.push(texts.size());
        } else if (token.equals("[")) {
            square.push(texts.size());
        } else if (!number.isEmpty() && !round.isEmpty() && isNumber(number)) {
            scale(round.pop(), Double.parseDouble(number));
        } else if (token.equals(")") && !round.isEmpty()) {
            scale(round.pop(), STEP);
        } else if (token.equals("]") && !square.isEmpty()) {
            scale(square.pop(), 1 / STEP);
        } else {
            add(token);
        }
    }

    private static boolean isNumber(String text) {
        return text.matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)");
    }

    private void add(String text) {
        texts.add(new StringBuilder(text));
        weights.add(1.0);
    }

    private void scale(int start, double factor) {
        for (int i = start; i < weights.size(); i++) {
            weights.set(i, weights.get(i) * factor);
        }
    }

    private List<WeightedText> joined() {
        List<WeightedText> result = new ArrayList<>();
        for (int i = 0; i < texts.size(); ) {
            StringBuilder text = texts.get(i);
            double weight = weights.get(i++);
            while (i < texts.size() && weights.get(i) == weight) {
                text.append(texts.get(i++));
            }
            result.add(new WeightedText(text.toString(), (float) weight));
        }
        return result.isEmpty() ? List.of(new WeightedText("", 1)) : List.copyOf(result);
    }
}
