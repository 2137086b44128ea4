package dev.instaflow.checkpoint.inspect;

import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.KeyReport;
import dev.instaflow.checkpoint.layout.ModelIdentity;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.layout.TensorSpec;
import dev.instaflow.checkpoint.layout.TextShape;
import dev.instaflow.checkpoint.layout.UNetShape;
import dev.instaflow.checkpoint.layout.VaeShape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a readable model file holds. Names are CompVis names, whatever naming the file has.
 *
 * @param format the container
 * @param identity what the tensors make
 * @param shapes the sizes read off the tensors
 * @param total all tensors together
 * @param types the tensors by element type
 * @param blocks the tensors by block, in file order
 * @param keys the tensors against the architecture; empty where this library does not know it
 * @param notes what else is worth saying, a sentence each
 * @param metadata the plain values beside the tensors
 * @param memory what running it takes; all zero where no part is known
 */
public record ModelContents(
        CheckpointFormat format,
        ModelIdentity identity,
        ArchitectureShapes shapes,
        BlockSummary total,
        List<BlockSummary> types,
        List<BlockSummary> blocks,
        Optional<KeyReport> keys,
        List<String> notes,
        Map<String, Object> metadata,
        MemoryEstimate memory) {

    /** Takes copies of the collections. */
    public ModelContents {
        types = List.copyOf(types);
        blocks = List.copyOf(blocks);
        notes = List.copyOf(notes);
        metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }

    static ModelContents of(CompVisView view, int width, int height) throws IOException {
        ModelIdentity identity = ModelIdentity.of(view);
        ArchitectureShapes shapes = ArchitectureShapes.of(view);
        List<String> notes = new ArrayList<>();
        Optional<KeyReport> keys =
                identity.kind().hasKnownTensors()
                        ? Optional.of(KeyReport.compare(expected(view, shapes, notes), view))
                        : Optional.empty();
        return new ModelContents(
                view.format(),
                identity,
                shapes,
                BlockSummary.of("all", view.entries()),
                BlockSummary.byType(view.entries()),
                BlockSummary.byBlock(view.entries()),
                keys,
                notes,
                view.metadata(),
                MemoryEstimate.of(shapes, width, height));
    }

    /**
     * What the parts that are there should have. Where a part is so damaged that its sizes cannot be
     * read, it is compared with that of Stable Diffusion 1.5, which at least names what is missing.
     */
    private static List<TensorSpec> expected(
            CompVisView view, ArchitectureShapes shapes, List<String> notes) {
        List<TensorSpec> expected = new ArrayList<>();
        for (ModelPart part : ModelPart.values()) {
            if (!view.parts().contains(part)) {
                continue;
            }
            Optional<List<TensorSpec>> own =
                    switch (part) {
                        case UNET -> shapes.unet().map(UNetShape::tensors);
                        case VAE -> shapes.vae().map(VaeShape::tensors);
                        case TEXT -> shapes.text().map(TextShape::tensors);
                    };
            if (own.isEmpty()) {
                notes.add(
                        "the sizes of the %s cannot be read off its tensors; it is compared with Stable Diffusion 1.5"
                                .formatted(part.folder()));
            }
            expected.addAll(own.orElseGet(() -> sd15(part)));
        }
        return expected;
    }

    private static List<TensorSpec> sd15(ModelPart part) {
        return switch (part) {
            case UNET -> UNetShape.sd15().tensors();
            case VAE -> VaeShape.sd15().tensors();
            case TEXT -> TextShape.sd15().tensors();
        };
    }
}
