package dev.instaflow.pipeline;

import java.nio.file.Path;

/**
 * A LoRA that is added to a model as it is loaded.
 *
 * @param file of kohya, diffusers or PEFT
 * @param strength 1 for what was trained; may be negative
 */
public record AddedLora(Path file, float strength) {
    /** Checks the number. */
    public AddedLora {
        if (!Float.isFinite(strength)) {
            throw new IllegalArgumentException(file + ": a LoRA of strength " + strength);
        }
    }
}
