package dev.instaflow.examples;

import dev.instaflow.model.ModelCard;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.ModelSource;
import dev.instaflow.pipeline.TextToImage;
import java.io.IOException;
import java.nio.file.Path;

/**
 * 2-rectified flow: straight enough for a few steps in place of fifty, and guided, unlike the
 * one-step model that was distilled from it. Needs its weights, which {@code
 * download_stable_diffusion_files.sh} tells how to get.
 */
public final class FewStepsWithGuidance {
    private FewStepsWithGuidance() {}

    /**
     * Writes {@code few-steps.png}.
     *
     * @param args the model's file or folder, then the prompt
     * @throws IOException if the model cannot be read or the image cannot be written
     */
    public static void main(String[] args) throws IOException {
        if (args.length < 2) {
            System.err.println("usage: FewStepsWithGuidance MODEL PROMPT");
            System.exit(2);
        }
        // The card says what the weights do not: how time is labelled, and how much guidance they
        // take.
        ModelSource source =
                ModelSource.of(Path.of(args[0])).withCard(ModelCard.twoRectifiedFlow());
        GenerationRequest request =
                GenerationRequest.of(args[1])
                        .withSteps(25)
                        .withGuidance(1.5)
                        .withNegativePrompt("blurry, low quality");
        Path file = Path.of("few-steps.png");
        try (TextToImage engine = TextToImage.open(source)) {
            engine.generate(request).get(0).writePng(file);
        }
        System.out.println(file.toAbsolutePath());
    }
}
