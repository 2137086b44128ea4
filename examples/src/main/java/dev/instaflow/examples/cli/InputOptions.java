package dev.instaflow.examples.cli;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import picocli.CommandLine.Option;

/** Files that images are made from, besides the model. */
final class InputOptions {
    @Option(
            names = "--noise",
            paramLabel = "FILE.npy",
            description =
                    "Start from this noise, [N,C,h,w] of unit variance, in place of a generator's.")
    private Optional<Path> noise;

    @Option(
            names = "--init-image",
            paramLabel = "FILE",
            description =
                    "Image to image: start from this PNG, JPEG, GIF or BMP, resized as needed.")
    private Optional<Path> initImage;

    @Option(
            names = "--strength",
            paramLabel = "S",
            description = "How much of --init-image is made anew: above 0, up to 1. Default: 0.8.")
    private Optional<Double> strength;

    @Option(
            names = "--mask",
            paramLabel = "FILE",
            description = "Inpainting: white is made anew, black is kept as in --init-image.")
    private Optional<Path> mask;

    InputFiles files() {
        return new InputFiles(
                initImage,
                mask,
                strength.isPresent() ? OptionalDouble.of(strength.get()) : OptionalDouble.empty(),
                noise);
    }
}
