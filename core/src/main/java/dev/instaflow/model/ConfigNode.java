package dev.instaflow.model;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.instaflow.checkpoint.CheckpointFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * An object in a configuration file, which says where it stands when something in it is wrong. Files are
 * read as trees of plain values, whatever tags they have. An explicit null counts as absent.
 */
final class ConfigNode {
    /** A configuration has a few kilobytes. */
    private static final long MAX_BYTES = 1 << 20;

    private final String source;
    private final String path;
    private final JsonNode node;

    private ConfigNode(String source, String path, JsonNode node) throws CheckpointFormatException {
        this.source = source;
        this.path = path;
        this.node = node;
        if (!node.isObject()) {
            throw error("expected an object, found " + shown(node));
        }
    }

    static ConfigNode of(String source, JsonNode root) throws CheckpointFormatException {
        return new ConfigNode(source, "", root);
    }

    static ConfigNode json(Path file) throws IOException {
        return read(file, new JsonMapper());
    }

    static ConfigNode yaml(Path file) throws IOException {
        return read(file, new YAMLMapper());
    }

    private static ConfigNode read(Path file, ObjectMapper mapper) throws IOException {
        if (Files.size(file) > MAX_BYTES) {
            throw new CheckpointFormatException(
                    "%s: has %d bytes; a configuration has at most %d"
                            .formatted(file, Files.size(file), MAX_BYTES));
        }
        try {
            return of(file.toString(), mapper.readTree(Files.readAllBytes(file)));
        } catch (JacksonException e) {
            throw new CheckpointFormatException(
                    file + ": not a configuration file: " + e.getOriginalMessage(), e);
        }
    }

    boolean has(String key) {
        return node.hasNonNull(key);
    }

    ConfigNode object(String key) throws CheckpointFormatException {
        return new ConfigNode(source, path + key + '.', node.path(key));
    }

    int integer(String key) throws CheckpointFormatException {
        return integer(key, node.path(key));
    }

    int integer(String key, int otherwise) throws CheckpointFormatException {
        return has(key) ? integer(key) : otherwise;
    }

    float number(String key, float otherwise) throws CheckpointFormatException {
        if (!has(key)) {
            return otherwise;
        }
        if (!node.get(key).isNumber()) {
            throw error(key, "a number", node.get(key));
        }
        return node.get(key).floatValue();
    }

    List<Integer> integers(String key) throws CheckpointFormatException {
        List<Integer> values = new ArrayList<>();
        for (JsonNode element : list(key)) {
            values.add(integer(key, element));
        }
        return values;
    }

    List<String> strings(String key) throws CheckpointFormatException {
        List<String> values = new ArrayList<>();
        for (JsonNode element : list(key)) {
            if (!element.isTextual()) {
                throw error(key, "a list of strings", element);
            }
            values.add(element.textValue());
        }
        return values;
    }

    private JsonNode list(String key) throws CheckpointFormatException {
        if (!node.path(key).isArray()) {
            throw error(key, "a list", node.path(key));
        }
        return node.get(key);
    }

    private int integer(String key, JsonNode value) throws CheckpointFormatException {
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw error(key, "a whole number", value);
        }
        return value.intValue();
    }

    /** Refuses variants of the networks: a key must be absent or have the one value we compute. */
    void requireIfPresent(String key, String computed) throws CheckpointFormatException {
        if (has(key) && !node.get(key).asText().equals(computed)) {
            throw error(key, computed + ", the only variant that is computed here", node.get(key));
        }
    }

    void requireAbsent(Set<String> keys) throws CheckpointFormatException {
        for (String key : keys) {
            if (has(key)) {
                throw error(key, "nothing: this variant is not computed here", node.get(key));
            }
        }
    }

    /** Makes a record of values that were read here, whose complaints get the file's name. */
    <T> T build(Supplier<T> record) throws CheckpointFormatException {
        try {
            return record.get();
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new CheckpointFormatException(source + ": " + e.getMessage(), e);
        }
    }

    private CheckpointFormatException error(String key, String expected, JsonNode found) {
        return new CheckpointFormatException(
                "%s: %s%s: expected %s, found %s"
                        .formatted(source, path, key, expected, shown(found)));
    }

    private CheckpointFormatException error(String problem) {
        String place = path.isEmpty() ? "" : path.substring(0, path.length() - 1) + ": ";
        return new CheckpointFormatException(source + ": " + place + problem);
    }

    private static String shown(JsonNode found) {
        return found.isMissingNode() ? "nothing" : found.toString();
    }
}
