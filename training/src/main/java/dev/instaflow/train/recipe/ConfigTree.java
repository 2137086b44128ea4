package dev.instaflow.train.recipe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Trees of settings: read, laid on top of each other, and checked against the defaults. */
final class ConfigTree {
    private static final YAMLMapper MAPPER =
            YAMLMapper.builder()
                    .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                    .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                    .build();

    private ConfigTree() {}

    /** A tree that comes with this package. */
    static ObjectNode resource(String name) throws IOException {
        try (InputStream in = ConfigTree.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new FileNotFoundException("no resource " + name);
            }
            return (ObjectNode) MAPPER.readTree(in);
        }
    }

    /** A file in YAML, of which JSON is a part. */
    static ObjectNode file(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new NoSuchFileException(file.toString());
        }
        try {
            JsonNode root = MAPPER.readTree(file.toFile());
            if (root instanceof ObjectNode object) {
                return object;
            }
            throw new IllegalArgumentException(
                    file + ": should have keys and values, such as \"steps: 1000\"");
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    "%s: neither YAML nor JSON: %s"
                            .formatted(file, e.getOriginalMessage().replaceAll("\\s+", " ")),
                    e);
        }
    }

    static String yaml(JsonNode tree) throws IOException {
        return MAPPER.writeValueAsString(tree);
    }

    /** Lays a tree over another one, whatever is in it; lists are replaced. */
    static void lay(ObjectNode under, ObjectNode over) {
        for (Map.Entry<String, JsonNode> field : over.properties()) {
            JsonNode below = under.get(field.getKey());
            if (below instanceof ObjectNode into && field.getValue() instanceof ObjectNode from) {
                lay(into, from);
            } else {
                under.set(field.getKey(), field.getValue().deepCopy());
            }
        }
    }

    /**
     * Changes one value.
     *
     * @param assignment {@code a.b=c}, c being YAML; an element of {@code stages} goes by its name or number
     */
    static void assign(ObjectNode tree, String assignment) {
        int sign = assignment.indexOf('=');
        if (sign < 1) {
            throw new IllegalArgumentException(
                    "setting \"" + assignment + "\" should be KEY=VALUE, such as steps=1000");
        }
        String[] keys = assignment.substring(0, sign).strip().split("\\.");
        JsonNode at = tree;
        for (int i = 0; i < keys.length - 1; i++) {
            at = child(at, keys[i], assignment);
        }
        if (!(at instanceof ObjectNode object)) {
            throw noSuch(keys[keys.length - 1], assignment);
        }
        try {
            object.set(
                    keys[keys.length - 1], MAPPER.readTree(assignment.substring(sign + 1).strip()));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    "setting \"" + assignment + "\": what follows = is not YAML", e);
        }
    }

    private static JsonNode child(JsonNode at, String key, String assignment) {
        if (at instanceof ObjectNode object) {
            return object.has(key) ? object.get(key) : object.putObject(key);
        }
        if (at instanceof ArrayNode list) {
            for (int i = 0; i < list.size(); i++) {
                boolean named = list.get(i).path("name").asText().equals(key);
                if (named || key.equals(String.valueOf(i))) {
                    return list.get(i);
                }
            }
        }
        throw noSuch(key, assignment);
    }

    private static IllegalArgumentException noSuch(String key, String assignment) {
        return new IllegalArgumentException(
                "setting \"%s\": there is nothing called \"%s\" to set there"
                        .formatted(assignment, key));
    }

    /**
     * A tree over one that has all keys.
     *
     * @param known has every key with a value of its type
     * @param given some of them
     * @param path of both, for messages; ends in a full stop unless it is empty
     * @param label what stands before a message
     */
    static ObjectNode checked(ObjectNode known, ObjectNode given, String path, String label) {
        ObjectNode result = known.deepCopy();
        for (Map.Entry<String, JsonNode> field : given.properties()) {
            String key = path + field.getKey();
            JsonNode standard = known.get(field.getKey());
            JsonNode value = field.getValue();
            if (standard == null) {
                throw unknown(known, key, field.getKey(), label);
            }
            if (standard instanceof ObjectNode inner && !inner.isEmpty()) {
                if (!(value instanceof ObjectNode object)) {
                    throw wrong(label, key, value, "a group of keys");
                }
                result.set(field.getKey(), checked(inner, object, key + '.', label));
            } else {
                requireType(standard, value, key, label);
                result.set(field.getKey(), value.deepCopy());
            }
        }
        return result;
    }

    private static IllegalArgumentException unknown(
            ObjectNode known, String path, String key, String label) {
        List<String> names = new ArrayList<>();
        known.fieldNames().forEachRemaining(names::add);
        String likely =
                names.stream()
                        .min(Comparator.comparingInt(name -> distance(name, key)))
                        .filter(name -> distance(name, key) <= 2)
                        .map(name -> "; did you mean " + name + "?")
                        .orElse("; there are " + String.join(", ", names));
        return new IllegalArgumentException(label + path + ": unknown key" + likely);
    }

    /** Insertions, deletions, replacements and swaps of neighbours that make one word the other. */
    private static int distance(String a, String b) {
        int[][] cost = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                cost[i][j] = i == 0 || j == 0 ? i + j : cheapest(a, b, i, j, cost);
            }
        }
        return cost[a.length()][b.length()];
    }

    private static int cheapest(String a, String b, int i, int j, int[][] cost) {
        boolean same = a.charAt(i - 1) == b.charAt(j - 1);
        int least = cost[i - 1][j - 1] + (same ? 0 : 1);
        least = Math.min(least, 1 + Math.min(cost[i - 1][j], cost[i][j - 1]));
        boolean swapped =
                i > 1
                        && j > 1
                        && a.charAt(i - 1) == b.charAt(j - 2)
                        && a.charAt(i - 2) == b.charAt(j - 1);
        return swapped ? Math.min(least, 1 + cost[i - 2][j - 2]) : least;
    }

    private static void requireType(JsonNode standard, JsonNode value, String key, String label) {
        if (standard.isIntegralNumber()
                && !(value.isIntegralNumber() && value.canConvertToLong())) {
            throw wrong(label, key, value, "a whole number");
        }
        if (standard.isFloatingPointNumber() && !value.isNumber()) {
            throw wrong(label, key, value, "a number (with a point if it has an exponent: 1.0e-4)");
        }
        if (standard.isTextual() && !value.isTextual()) {
            throw wrong(label, key, value, "a text");
        }
        if (standard.isBoolean() && !value.isBoolean()) {
            throw wrong(label, key, value, "true or false");
        }
        if (standard.isArray() && !value.isArray()) {
            throw wrong(label, key, value, "a list");
        }
        if (standard.isObject() && !value.isObject()) {
            throw wrong(label, key, value, "a group of keys");
        }
    }

    private static IllegalArgumentException wrong(
            String label, String key, JsonNode value, String expected) {
        return new IllegalArgumentException(
                "%s%s: is %s, expected %s".formatted(label, key, value, expected));
    }
}
