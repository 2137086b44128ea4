package dev.instaflow.examples.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Names of captions: a JSON list of captions or hexcodes, a model's {@code captions.json}, or a line a
 * caption.
 */
final class CaptionFile {
    private CaptionFile() {}

    static List<String> read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new NoSuchFileException(file.toString());
        }
        List<String> names = file.toString().endsWith(".json") ? json(file) : lines(file);
        if (names.isEmpty()) {
            throw new BadInputException(file + ": has no captions");
        }
        return names;
    }

    private static List<String> lines(Path file) throws IOException {
        return Files.readAllLines(file).stream()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
    }

    private static List<String> json(Path file) throws IOException {
        try {
            JsonNode root = new ObjectMapper().readTree(file.toFile());
            List<String> names = new ArrayList<>();
            for (JsonNode node : root.isArray() ? root : root.path("captions")) {
                JsonNode text = node.isObject() ? node.path("text") : node;
                if (!text.isTextual()) {
                    throw new BadInputException(file + ": should hold captions, has " + node);
                }
                names.add(text.asText());
            }
            return names;
        } catch (JsonProcessingException e) {
            throw new BadInputException(file + ": not JSON: " + e.getOriginalMessage());
        }
    }
}
