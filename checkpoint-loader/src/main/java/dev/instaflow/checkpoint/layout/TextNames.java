package dev.instaflow.checkpoint.layout;

import java.util.Optional;

/** Text encoder names: CompVis holds the transformers module itself, so they are the same. */
final class TextNames implements PartNames {
    @Override
    public Optional<String> toDiffusers(String name) {
        return name.startsWith("text_model.") ? Optional.of(name) : Optional.empty();
    }

    @Override
    public Optional<String> toCompVis(String name) {
        return toDiffusers(name);
    }
}
