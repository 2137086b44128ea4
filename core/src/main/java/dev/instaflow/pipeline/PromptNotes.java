package dev.instaflow.pipeline;

import dev.instaflow.tokenizer.Encoding;
import dev.instaflow.tokenizer.KnownWords;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a user should know about a prompt before spending time on it.
 *
 * @param lostText the end of the prompt that does not fit into the text encoder; empty if all fits
 * @param unknownWords words that the model has never seen, as the prompt has them; always empty for models
 *     that do not list their captions
 */
public record PromptNotes(String lostText, List<String> unknownWords) {
    static PromptNotes of(Encoding encoding, String prompt, Optional<KnownWords> known) {
        return new PromptNotes(
                encoding.isCut() ? encoding.lostText() : "",
                known.map(words -> words.unknownIn(prompt)).orElse(List.of()));
    }

    /**
     * As warnings for people.
     *
     * @return one line each; empty if there is nothing to say
     */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        if (!lostText.isEmpty()) {
            lines.add("the prompt is too long for this model; it does not see: " + lostText);
        }
        if (!unknownWords.isEmpty()) {
            lines.add(
                    "this model has never seen: "
                            + String.join(", ", unknownWords)
                            + "; expect a guess, not a picture of it");
        }
        return lines;
    }
}
