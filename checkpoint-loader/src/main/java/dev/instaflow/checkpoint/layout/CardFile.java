package dev.instaflow.checkpoint.layout;

import com.fasterxml.jackson.databind.JsonNode;
import dev.instaflow.checkpoint.CheckpointFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The JSON beside a model that tells what its tensors cannot: {@code x.json} beside {@code x.ckpt},
 * or {@code card.json} beside the file or in the model's folder.
 *
 * @param path where it was found
 * @param root its content, an object
 */
public record CardFile(Path path, JsonNode root) {
    private static final int LARGEST_SIDE = 1 << 16;

    /**
     * Looks for the card of a model. A file of that name that is no JSON object is no
     * card.
     *
     * @param model a model file or folder
     * @return its card, if it has one
     * @throws IOException if the card cannot be read
     */
    public static Optional<CardFile> beside(Path model) throws IOException {
        for (Path candidate : candidates(model)) {
            if (Files.isRegularFile(candidate)) {
                Optional<CardFile> card = read(candidate);
                if (card.isPresent()) {
                    return card;
                }
            }
        }
        return Optional.empty();
    }

    /**
     * The size of the images that the model was made for.
     *
     * @return [height, width] in pixels, if the card has an {@code imageSize} of that form
     */
    public Optional<int[]> imageSize() {
        JsonNode size = root.path("imageSize");
        int height = size.path(0).asInt();
        int width = size.path(1).asInt();
        boolean sane = Math.min(height, width) >= 1 && Math.max(height, width) <= LARGEST_SIDE;
        return sane ? Optional.of(new int[] {height, width}) : Optional.empty();
    }

    private static List<Path> candidates(Path model) {
        Path name = model.getFileName();
        if (Files.isDirectory(model) || name == null) {
            return List.of(model.resolve("card.json"));
        }
        List<Path> candidates = new ArrayList<>();
        int dot = name.toString().lastIndexOf('.');
        if (dot > 0) {
            candidates.add(model.resolveSibling(name.toString().substring(0, dot) + ".json"));
        }
        candidates.add(model.resolveSibling("card.json"));
        return candidates;
    }

    private static Optional<CardFile> read(Path file) throws IOException {
        try {
            return Optional.of(new CardFile(file, JsonFile.readObject(file)));
        } catch (CheckpointFormatException e) {
            return Optional.empty(); // a file of that name that is something else
        }
    }
}
