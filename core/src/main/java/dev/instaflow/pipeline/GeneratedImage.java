package dev.instaflow.pipeline;

import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * One image, with what it was made from.
 *
 * @param pixels RGB, or RGBA with straight alpha, as the model makes them
 * @param latents that the pixels were decoded from, of this image alone
 * @param parameters to make it again
 * @param times of the generation that it came from, all its images together
 */
public record GeneratedImage(
        Pixels pixels, Latents latents, ImageParameters parameters, StageTimes times) {
    /**
     * Writes a PNG with the parameters in a text chunk, to a temporary file that is moved into place.
     *
     * @param path the file, replaced if it exists; its folder is made if missing
     * @throws IOException if it cannot be written
     */
    public void writePng(Path path) throws IOException {
        ImageFile.writePng(path, pixels, Map.of(ImageParameters.CHUNK, parameters.toJson()));
    }

    /**
     * The same image with files noted that the caller has read for the request.
     *
     * @param inputs by role: {@code initImage}, {@code mask}, {@code noise}
     * @return a changed copy
     */
    public GeneratedImage withInputs(Map<String, ImageParameters.InputFile> inputs) {
        return new GeneratedImage(pixels, latents, parameters.withInputs(inputs), times);
    }
}
