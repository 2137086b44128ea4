package dev.instaflow.pipeline;

import dev.instaflow.tokenizer.ClipTokenizer;
import dev.instaflow.tokenizer.KnownWords;
import java.util.List;
import java.util.Optional;

/**
 * From a prompt to what the text encoder sees.
 *
 * @param tokenizer cuts the prompt
 * @param captions that the model was trained on, if it lists them
 * @param knownWords the words of those captions
 */
record TextStage(ClipTokenizer tokenizer, List<Caption> captions, Optional<KnownWords> knownWords) {
    PromptNotes notesOn(String prompt) {
        return PromptNotes.of(tokenizer.encode(prompt), prompt, knownWords);
    }
}
