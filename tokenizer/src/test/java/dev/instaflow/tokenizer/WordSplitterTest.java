package dev.instaflow.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class WordSplitterTest {
    /**
     * CLIP's expression; it is applied to lower-cased text, so ignoring case only adds the long s.
     */
    private static final Pattern CLIP =
            Pattern.compile(
                    "<\\|[sſ]tartoftext\\|>|<\\|endoftext\\|>|'[sſ]|'t|'re|'ve|'m|'ll|'d"
                            + "|[\\p{L}]+|[\\p{N}]|[^\\p{IsWhite_Space}\\p{L}\\p{N}\\x{345}]+");

    private static final List<String> SNIPPETS =
            List.of(
                    "'s",
                    "'ll",
                    "'re",
                    "'",
                    "'v",
                    "'ve",
                    "'ſ",
                    "<|endoftext|>",
                    "<|startoftext|>",
                    "<|ſtartoftext|>",
                    "<|",
                    "|>",
                    "a",
                    "word",
                    "ж",
                    "кот",
                    "5",
                    "½",
                    "²",
                    "Ⅷ",
                    "猫",
                    "\u0301",
                    "\u0345",
                    "🐱",
                    "🏽",
                    "𝟙",
                    "𠮷",
                    " ",
                    "\n",
                    "\u00A0",
                    "\u3000",
                    "\u200B",
                    "\u0085",
                    "\u001C",
                    "\u2028",
                    ".",
                    ",",
                    "!!",
                    "\uFE0F",
                    "\u200D",
                    "…",
                    "‘",
                    "_",
                    "\u180E");

    @Test
    void cutsAsTheRegularExpressionDoes() {
        Random random = new Random(17);
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(12); n >= 0; n--) {
                text.append(SNIPPETS.get(random.nextInt(SNIPPETS.size())));
            }
            List<String> expected = CLIP.matcher(text).results().map(MatchResult::group).toList();
            assertEquals(expected, words(text.toString()));
        }
    }

    private static List<String> words(String text) {
        WordSplitter place = new WordSplitter(CleanText.of(text));
        List<String> words = new ArrayList<>();
        while (place.next()) {
            words.add(text.substring(place.start(), place.end()));
        }
        return words;
    }
}
