package dev.instaflow.examples.cli;

import dev.instaflow.checkpoint.inspect.FileHash;
import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.ImageParameters;
import dev.instaflow.pipeline.ImageParameters.InputFile;
import dev.instaflow.pipeline.InitImage;
import dev.instaflow.pipeline.Latents;
import dev.instaflow.tensor.Npy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Files that an image is made from, besides the model. An image remembers their paths and
 * checksums, and of a batch's noise also which of it was its own: role {@code noise} for the
 * first, {@code noise:1} for the second.
 *
 * @param initImage where image-to-image and inpainting start from
 * @param mask white is painted, black is kept
 * @param strength of image-to-image
 * @param noise [N,C,h,w] in place of a generator's
 */
record InputFiles(
        Optional<Path> initImage,
        Optional<Path> mask,
        OptionalDouble strength,
        Optional<Path> noise) {
    /** That of Stable Diffusion's image-to-image programs. */
    private static final double USUAL_STRENGTH = 0.8;

    private static final String INIT_IMAGE = "initImage";
    private static final String MASK = "mask";
    private static final String NOISE = "noise";

    /** Checks that what belongs together is there together. */
    InputFiles {
        if (initImage.isEmpty() && (mask.isPresent() || strength.isPresent())) {
            throw new IllegalArgumentException(
                    (mask.isPresent() ? "--mask" : "--strength") + " needs --init-image");
        }
    }

    /** The request with the content of the files. */
    GenerationRequest applyTo(GenerationRequest request) throws IOException {
        GenerationRequest result = request;
        if (noise.isPresent()) {
            result = result.withNoise(readNoise(noise.get()));
        }
        if (initImage.isPresent()) {
            Pixels pixels = ImageFile.read(initImage.get()).pixels();
            InitImage start = InitImage.of(pixels, strength.orElse(USUAL_STRENGTH));
            result =
                    result.withInitImage(
                            mask.isPresent()
                                    ? start.withMask(ImageFile.read(mask.get()).pixels())
                                    : start);
        }
        return result;
    }

    /** Where it was, or of that name beside the image: images are moved with what they came from. */
    private static InputFile located(InputFile file, Path image) {
        Path recorded = Path.of(file.path());
        if (Files.exists(recorded) || recorded.getFileName() == null) {
            return file;
        }
        Path beside = image.toAbsolutePath().resolveSibling(recorded.getFileName());
        return Files.exists(beside) ? new InputFile(beside.toString(), file.sha256()) : file;
    }

    /** The request that made an image, with the content of its files, which must be unchanged. */
    static GenerationRequest restore(ImageParameters recorded, Path image) throws IOException {
        Map<String, InputFile> inputs = new LinkedHashMap<>();
        recorded.inputs().forEach((role, file) -> inputs.put(role, located(file, image)));
        for (InputFile file : inputs.values()) {
            requireUnchanged(file);
        }
        GenerationRequest request =
                new InputFiles(
                                path(inputs, INIT_IMAGE),
                                path(inputs, MASK),
                                recorded.strength(),
                                Optional.empty())
                        .applyTo(recorded.toRequest());
        for (Map.Entry<String, InputFile> input : inputs.entrySet()) {
            String role = input.getKey();
            if (role.equals(NOISE) || role.startsWith(NOISE + ":")) {
                Latents all = readNoise(Path.of(input.getValue().path()));
                request = request.withNoise(slice(all, indexOf(role)));
            }
        }
        return request;
    }

    private static Optional<Path> path(Map<String, InputFile> inputs, String role) {
        return Optional.ofNullable(inputs.get(role)).map(file -> Path.of(file.path()));
    }

    private static int indexOf(String noiseRole) {
        return noiseRole.equals(NOISE)
                ? 0
                : Integer.parseInt(noiseRole.substring(NOISE.length() + 1));
    }

    private static void requireUnchanged(InputFile file) throws IOException {
        Path path = Path.of(file.path());
        boolean hasContent = !file.sha256().isEmpty() && !Files.isDirectory(path);
        if (!hasContent) {
            return;
        }
        if (!Files.exists(path)) {
            throw new BadInputException(
                    path
                            + ": the image was made from this file; it is neither there nor"
                            + " beside the image");
        }
        String sha256 = FileHash.sha256(path);
        if (!sha256.equals(file.sha256())) {
            throw new BadInputException(
                    "%s: changed since the image was made from it: its SHA-256 was %s, now %s"
                            .formatted(path, file.sha256(), sha256));
        }
    }

    /**
     * What image {@code index} of a batch has to remember.
     *
     * @param index from 0
     */
    Map<String, InputFile> inputs(int index) throws IOException {
        Map<String, InputFile> inputs = new LinkedHashMap<>();
        if (initImage.isPresent()) {
            inputs.put(INIT_IMAGE, hashed(initImage.get()));
        }
        if (mask.isPresent()) {
            inputs.put(MASK, hashed(mask.get()));
        }
        if (noise.isPresent()) {
            inputs.put(index == 0 ? NOISE : NOISE + ":" + index, hashed(noise.get()));
        }
        return inputs;
    }

    static InputFile hashed(Path file) throws IOException {
        return new InputFile(file.toString(), FileHash.sha256(file));
    }

    private static Latents readNoise(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw new NoSuchFileException(file.toString());
        }
        try {
            Latents noise = Latents.of(Npy.read(file));
            for (float value : noise.values()) {
                if (!Float.isFinite(value)) {
                    throw new BadInputException(file + ": holds " + value + ", not noise");
                }
            }
            return noise;
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new BadInputException(file + ": " + e.getMessage());
        }
    }

    private static Latents slice(Latents all, int index) throws BadInputException {
        if (index >= all.count()) {
            throw new BadInputException("noise %s has no image %d".formatted(all, index));
        }
        int length = all.values().length / all.count();
        float[] values = Arrays.copyOfRange(all.values(), index * length, (index + 1) * length);
        return new Latents(1, all.channels(), all.height(), all.width(), values);
    }
}
