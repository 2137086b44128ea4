package dev.instaflow.examples;

import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.InitImage;
import dev.instaflow.pipeline.TextToImage;
import java.io.IOException;
import java.nio.file.Path;

/** An image that starts from another one: a red heart is made into a green one. */
public final class ImageToImage {
    /** How much is made anew; the rest of the way from noise to image is the start's. */
    private static final double STRENGTH = 0.8;

    private ImageToImage() {}

    /**
     * Writes {@code image-to-image.png}.
     *
     * @param args an image file to start from; a red heart is made first if there is none
     * @throws IOException if the file cannot be read or the image cannot be written
     */
    public static void main(String[] args) throws IOException {
        Path file = Path.of("image-to-image.png");
        try (TextToImage engine = TextToImage.bundled()) {
            Pixels start =
                    args.length > 0
                            ? ImageFile.read(Path.of(args[0])).pixels()
                            : engine.generate(GenerationRequest.of("красное сердце"))
                                    .get(0)
                                    .pixels();
            GenerationRequest request =
                    GenerationRequest.of("зеленое сердце")
                            .withInitImage(InitImage.of(start, STRENGTH));
            engine.generate(request).get(0).writePng(file);
        }
        System.out.println(file.toAbsolutePath());
    }
}
