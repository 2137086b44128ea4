package dev.instaflow.examples;

import dev.instaflow.pipeline.GeneratedImage;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.TextToImage;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Many images of a prompt at once. Each has a seed of its own, by which it alone can be made again.
 */
public final class BatchWithSeeds {
    private BatchWithSeeds() {}

    /**
     * Writes {@code batch/seed-100.png} to {@code batch/seed-107.png}.
     *
     * @param args the prompt; tears of joy if there is none
     * @throws IOException if an image cannot be written
     */
    public static void main(String[] args) throws IOException {
        String prompt = args.length > 0 ? String.join(" ", args) : "смеется до слез";
        GenerationRequest request = GenerationRequest.of(prompt).withSeed(100).withCount(8);
        try (TextToImage engine = TextToImage.bundled()) {
            for (GeneratedImage image : engine.generate(request)) {
                Path file = Path.of("batch", "seed-" + image.parameters().seed() + ".png");
                image.writePng(file);
                System.out.println(file.toAbsolutePath());
            }
        }
    }
}
