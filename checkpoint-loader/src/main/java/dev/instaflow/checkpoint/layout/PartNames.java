package dev.instaflow.checkpoint.layout;

import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The two names of each tensor inside one part, both without the part's prefix. Which block has
 * which number depends on the whole model, so an instance is made from all names of the part.
 */
interface PartNames {
    /** The diffusers name of a CompVis name; empty if the architecture has no such tensor. */
    Optional<String> toDiffusers(String compVis);

    /** The CompVis name of a diffusers name; empty if the architecture has no such tensor. */
    Optional<String> toCompVis(String diffusers);

    /** Reads the block layout off CompVis names, in any order. */
    static PartNames fromCompVis(ModelPart part, Collection<String> names) {
        return switch (part) {
            case UNET -> new UNetNames(UNetBlocks.fromCompVis(names));
            case VAE -> VaeNames.fromCompVis(names);
            case TEXT -> new TextNames();
        };
    }

    /** Reads the block layout off diffusers names, in any order. */
    static PartNames fromDiffusers(ModelPart part, Collection<String> names) {
        return switch (part) {
            case UNET -> new UNetNames(UNetBlocks.fromDiffusers(names));
            case VAE -> VaeNames.fromDiffusers(names);
            case TEXT -> new TextNames();
        };
    }

    /** Replaces the leading module path by what {@code table} says of it. */
    static Optional<String> renamed(Map<String, String> table, String name) {
        for (Map.Entry<String, String> rule : table.entrySet()) {
            String module = rule.getKey();
            if (name.startsWith(module + ".")) {
                return Optional.of(rule.getValue() + name.substring(module.length()));
            }
        }
        return Optional.empty();
    }

    /** The table read from right to left. */
    static Map<String, String> inverse(Map<String, String> table) {
        return table.entrySet().stream()
                .collect(Collectors.toUnmodifiableMap(Map.Entry::getValue, Map.Entry::getKey));
    }
}
