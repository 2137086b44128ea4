package dev.instaflow.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class KnownWordsTest {
    private static final KnownWords WORDS =
            KnownWords.of(
                    List.of(
                            "красное сердце",
                            "флаг: Япония",
                            "Йогурт",
                            "😂 смех",
                            "кот-космонавт"));

    @Test
    void wordsOfCaptionsAreKnownInAnyCaseAndPunctuation() {
        assertEquals(List.of(), WORDS.unknownIn("КРАСНОЕ, Сердце! («япония») кот… 😂"));
        assertEquals(List.of(), WORDS.unknownIn("  , . ^_^ "));
    }

    @Test
    void unknownWordsComeOnceInOrderAsWritten() {
        assertEquals(
                List.of("Торт", "и", "🎂"), WORDS.unknownIn("Торт и красное сердце, торт 🎂 ТОРТ"));
    }

    @Test
    void composedAndDecomposedLettersAreTheSame() {
        assertEquals(List.of(), WORDS.unknownIn("и\u0306огурт"));
    }
}
