package dev.instaflow.benchmarks;

import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.TextToImage;
import java.io.IOException;
import java.nio.file.Path;

/** The bundled model from prompt to PNG, in a process of its own, for {@link BundledModelTimes}. */
public final class PromptToPng {
    static final String PROMPT = "красное сердце";

    /** What a line with seconds begins with: native libraries print too. */
    static final String MARK = "image ";

    private PromptToPng() {}

    /**
     * Makes images, each with another seed, and prints the seconds that each took.
     *
     * @param args the PNG, overwritten by each image; how many
     * @throws IOException if it cannot be written
     */
    public static void main(String... args) throws IOException {
        Path png = Path.of(args[0]);
        try (TextToImage engine = TextToImage.bundled()) {
            for (int seed = 0; seed < Integer.parseInt(args[1]); seed++) {
                long start = System.nanoTime();
                engine.generate(GenerationRequest.of(PROMPT).withSeed(seed)).get(0).writePng(png);
                System.out.println(MARK + (System.nanoTime() - start) * 1e-9);
            }
        }
    }
}
