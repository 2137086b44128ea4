package dev.instaflow.examples;

import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.TextToImage;
import java.io.IOException;
import java.nio.file.Path;

/** An image from a prompt in a single network step, by the bundled model. */
public final class OneStep {
    private OneStep() {}

    /**
     * Writes {@code one-step.png}.
     *
     * @param args the prompt; a red heart if there is none
     * @throws IOException if the image cannot be written
     */
    public static void main(String[] args) throws IOException {
        String prompt = args.length > 0 ? String.join(" ", args) : "красное сердце";
        Path file = Path.of("one-step.png");
        try (TextToImage engine = TextToImage.bundled()) {
            engine.generate(GenerationRequest.of(prompt)).get(0).writePng(file);
        }
        System.out.println(file.toAbsolutePath());
    }
}
