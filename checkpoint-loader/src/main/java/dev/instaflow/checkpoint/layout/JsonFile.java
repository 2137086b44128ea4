package dev.instaflow.checkpoint.layout;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.checkpoint.CheckpointFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads the JSON files that go with a model, which must be objects of a sane size. */
public final class JsonFile {
    /** The index of a 100-shard model with 10,000 tensors takes 1 MB. */
    private static final long MOST_BYTES = 16L << 20;

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private JsonFile() {}

    /**
     * Reads a configuration, index or card.
     *
     * @param file a regular file
     * @return its content, an object
     * @throws CheckpointFormatException if it is larger than 16 MiB, no JSON, or no object
     * @throws IOException if it cannot be read
     */
    public static JsonNode readObject(Path file) throws IOException {
        long size = Files.size(file);
        if (size > MOST_BYTES) {
            throw new CheckpointFormatException(
                    "%s: %d bytes; expected a JSON file of at most %d"
                            .formatted(file, size, MOST_BYTES));
        }
        JsonNode root;
        try {
            root = MAPPER.readTree(Files.readAllBytes(file));
        } catch (JacksonException e) {
            throw new CheckpointFormatException(
                    "%s: not JSON: %s".formatted(file, e.getOriginalMessage()), e);
        }
        if (root == null || !root.isObject()) {
            throw new CheckpointFormatException(file + ": expected a JSON object");
        }
        return root;
    }
}
