package dev.instaflow.tokenizer;

import java.text.Normalizer;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The words that a model's captions were made of, to say honestly which words of a prompt it has
 * never seen: byte-level encoding has no unknown token that would tell. Immutable and thread-safe.
 * <p>A word is a run of letters, digits and marks, or a run of symbols such as emoji; case and
 * punctuation do not count.
 */
public final class KnownWords {
    private static final String EMOJI =
            "\\p{So}\\x{1F000}-\\x{1FAFF}"; // with those newer than the JDK
    private static final Pattern WORD =
            Pattern.compile("[\\p{L}\\p{N}\\p{M}]+|[" + EMOJI + "][" + EMOJI + "\\p{Cf}\\p{M}]*");

    private final Set<String> words;

    private KnownWords(Set<String> words) {
        this.words = words;
    }

    /** @param captions words or whole captions, in any case */
    public static KnownWords of(Collection<String> captions) {
        Set<String> words = new HashSet<>();
        for (String caption : captions) {
            words.addAll(wordsOf(caption).keySet());
        }
        return new KnownWords(Set.copyOf(words));
    }

    /**
     * @return the words of {@code prompt} that no caption has, as they are written there, each
     *     once, in order
     */
    public List<String> unknownIn(String prompt) {
        Map<String, String> asked = wordsOf(prompt);
        asked.keySet().removeAll(words);
        return List.copyOf(asked.values());
    }

    /** @return words in order, from the form that is compared to the form that is written */
    private static Map<String, String> wordsOf(String text) {
        Map<String, String> words = new LinkedHashMap<>();
        WORD.matcher(Normalizer.normalize(text, Normalizer.Form.NFC))
                .results()
                .forEach(word -> words.putIfAbsent(LowerCase.of(word.group()), word.group()));
        return words;
    }
}
