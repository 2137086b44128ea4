package dev.instaflow.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The first six are the examples that AUTOMATIC1111's parse_prompt_attention documents. */
class PromptEmphasisTest {
    @Test
    void textWithoutSignsIsNeutral() {
        check("normal text", "normal text", 1.0);
    }

    @Test
    void roundBracketsRaise() {
        check("an (important) word", "an ", 1.0, "important", 1.1, " word", 1.0);
    }

    @Test
    void openBracketReachesToTheEnd() {
        check("(unbalanced", "unbalanced", 1.1);
    }

    @Test
    void escapedBracketsAreText() {
        check("\\(literal\\]", "(literal]", 1.0);
    }

    @Test
    void neighboursOfEqualWeightAreJoined() {
        check("(unnecessary)(parens)", "unnecessaryparens", 1.1);
    }

    @Test
    void nestingMultiplies() {
        check(
                "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
                "a ",
                1.0,
                "house",
                1.5730000000000004,
                " ",
                1.1,
                "on",
                1.0,
                " a ",
                1.1,
                "hill",
                0.55,
                ", sun, ",
                1.1,
                "sky",
                1.4641000000000006,
                ".",
                1.1);
    }

    @Test
    void squareBracketsTakeNoNumber() {
        check("[dim:0.3]", "dim:0.3", 1 / 1.1);
    }

    @Test
    void strayClosingSignsAndBadNumbersAreText() {
        check("a) b] c:1.2) 16:9", "a) b] c:1.2) 16:9", 1.0);
        check("(x:1.2.3)", "x:1.2.3)", 1.1);
    }

    @Test
    void emptyPromptIsOneEmptyStretch() {
        check("", "", 1.0);
        check("()", "", 1.0);
    }

    private static void check(String prompt, Object... textsAndWeights) {
        List<WeightedText> expected = new ArrayList<>();
        for (int i = 0; i < textsAndWeights.length; i += 2) {
            expected.add(
                    new WeightedText(
                            (String) textsAndWeights[i],
                            (float) (double) (Double) textsAndWeights[i + 1]));
        }
        assertEquals(expected, PromptEmphasis.parse(prompt));
    }
}
