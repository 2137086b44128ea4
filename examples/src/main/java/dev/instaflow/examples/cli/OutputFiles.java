package dev.instaflow.examples.cli;

import dev.instaflow.image.ImageFile;
import dev.instaflow.pipeline.GeneratedImage;
import dev.instaflow.pipeline.ImageParameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where images are written to. No picture is lost silently:
 *
 * <ul>
 *   <li>a name that was made up here ({@code prompt-seed.png}) gets a number if a different
 *       picture has it;
 *   <li>a file that the user named is replaced only if it shows the same prompt, or if asked for.
 * </ul>
 */
final class OutputFiles {
    /** What happens to a file of another prompt that the user named. */
    enum Existing {
        KEEP,
        REPLACE
    }

    private static final int LONGEST_NAME = 40;

    private final Path folder;
    private final Optional<Path> file;

    private OutputFiles(Path folder, Optional<Path> file) {
        this.folder = folder;
        this.file = file;
    }

    /**
     * @param out a file, or a folder if it ends in a slash, exists as one, or many images come
     * @param count number of images
     * @throws BadInputException if one file shall hold many images
     */
    static OutputFiles of(Optional<String> out, int count) throws BadInputException {
        if (out.isEmpty()) {
            return new OutputFiles(Path.of(""), Optional.empty());
        }
        Path path = Path.of(out.get());
        if (out.get().endsWith("/") || Files.isDirectory(path)) {
            return new OutputFiles(path, Optional.empty());
        }
        if (count == 1) {
            return new OutputFiles(path, Optional.of(path));
        }
        if (out.get().endsWith(".png") || Files.exists(path)) {
            throw new BadInputException(
                    "--out %s names one file for %d images; name a folder".formatted(path, count));
        }
        return new OutputFiles(path, Optional.empty());
    }

    /** Refuses to replace a picture of something else, before any work is done. */
    void check(String prompt, Existing existing) throws BadInputException {
        boolean inTheWay =
                existing == Existing.KEEP
                        && file.isPresent()
                        && Files.exists(file.get())
                        && !parametersOf(file.get())
                                .map(ImageParameters::prompt)
                                .equals(Optional.of(prompt));
        if (inTheWay) {
            throw new BadInputException(
                    file.get()
                            + ": exists and is no image of this prompt; choose another name, or"
                            + " give --overwrite");
        }
    }

    /** Writes an image; returns where to. */
    Path write(GeneratedImage image) throws IOException {
        Path path = file.isPresent() ? file.get() : freeName(image.parameters());
        image.writePng(path);
        return path;
    }

    private Path freeName(ImageParameters parameters) {
        String stem = name(parameters.prompt()) + "-" + parameters.seed();
        Path path = folder.resolve(stem + ".png");
        for (int n = 2; Files.exists(path) && !holds(path, parameters); n++) {
            path = folder.resolve(stem + "-" + n + ".png");
        }
        return path;
    }

    private static boolean holds(Path path, ImageParameters parameters) {
        return parametersOf(path).equals(Optional.of(parameters));
    }

    /** Empty for everything that is no image of ours. */
    private static Optional<ImageParameters> parametersOf(Path path) {
        try {
            return Optional.ofNullable(ImageFile.read(path).text().get(ImageParameters.CHUNK))
                    .map(ImageParameters::fromJson);
        } catch (IOException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** A prompt as a part of a file name: letters, digits and symbols such as emoji. */
    static String name(String prompt) {
        String words =
                prompt.strip()
                        .replaceAll("[^\\p{L}\\p{M}\\p{N}\\p{So}]+", "-")
                        .replaceAll("^-|-$", "");
        int end =
                words.offsetByCodePoints(
                        0, Math.min(LONGEST_NAME, words.codePointCount(0, words.length())));
        String name = words.substring(0, end);
        return name.isEmpty() || !isPossible(name) ? "image" : name;
    }

    /** In the POSIX locale Java has no file names beyond ASCII. */
    private static boolean isPossible(String name) {
        try {
            Path.of(name);
            return true;
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
