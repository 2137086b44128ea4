package dev.instaflow.train.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A group of settings that has been checked against the defaults, so that every key is there with a value of
 * its type. What is wrong with a value is said with the path of its key.
 *
 * @param label what stands before a message: the file
 * @param path of this group, empty or ending in a full stop
 * @param tree its keys
 * @param base what paths are relative to
 */
record Section(String label, String path, ObjectNode tree, Path base) {
    Section at(String key) {
        return new Section(label, path + key + '.', (ObjectNode) tree.get(key), base);
    }

    String text(String key) {
        return tree.get(key).asText();
    }

    /** Empty for an empty text. */
    Optional<String> given(String key) {
        return Optional.of(text(key)).filter(text -> !text.isEmpty());
    }

    Optional<Path> file(String key) {
        try {
            return given(key).map(base::resolve);
        } catch (InvalidPathException e) {
            throw bad(key, "\"" + text(key) + "\" is no file name");
        }
    }

    boolean flag(String key) {
        return tree.get(key).asBoolean();
    }

    long whole(String key) {
        return tree.get(key).asLong();
    }

    /** A whole number that is not below the least. */
    int count(String key, int least) {
        JsonNode node = tree.get(key);
        if (!node.canConvertToInt() || node.asInt() < least) {
            throw bad(key, "is " + node + ", expected at least " + least);
        }
        return node.asInt();
    }

    double number(String key) {
        return tree.get(key).asDouble();
    }

    /** A number of at least 0. */
    double amount(String key) {
        double value = number(key);
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw bad(key, "is " + value + ", expected at least 0");
        }
        return value;
    }

    <T> T choice(String key, Map<String, T> values) {
        T value = values.get(text(key));
        if (value == null) {
            throw bad(
                    key,
                    "is \"%s\", expected one of %s"
                            .formatted(
                                    text(key),
                                    String.join(", ", values.keySet().stream().sorted().toList())));
        }
        return value;
    }

    /** The elements of a list of groups; an element that is a text stands for a group with that alone. */
    List<Section> list(String key, String kind, String ofText) throws IOException {
        ObjectNode known = (ObjectNode) ConfigTree.resource("elements.yaml").get(kind);
        List<Section> elements = new ArrayList<>();
        for (JsonNode element : tree.get(key)) {
            String at = "%s%s.%d.".formatted(path, key, elements.size());
            ObjectNode given = known.objectNode();
            if (element instanceof ObjectNode object) {
                given = object;
            } else if (element.isTextual()) {
                given.set(ofText, element);
            } else {
                throw bad(key, "has the element " + element + ", expected a text or a group");
            }
            ObjectNode checked = ConfigTree.checked(known, given, at, label);
            elements.add(new Section(label, at, checked, base));
        }
        return elements;
    }

    /** Makes something whose constructor checks the values; its message gets the path of this group. */
    <T> T build(Supplier<T> maker) {
        try {
            return maker.get();
        } catch (IllegalArgumentException e) {
            String group = path.isEmpty() ? "" : path.substring(0, path.length() - 1) + ": ";
            throw new IllegalArgumentException(label + group + e.getMessage(), e);
        }
    }

    IllegalArgumentException bad(String key, String what) {
        return new IllegalArgumentException(label + path + key + ": " + what);
    }
}
