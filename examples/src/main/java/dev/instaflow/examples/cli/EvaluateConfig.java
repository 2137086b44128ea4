package dev.instaflow.examples.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is evaluated, as a YAML or JSON file: {@code data}, {@code models}, {@code captions}, {@code
 * captionFile}, {@code seeds}, {@code gapSteps}, {@code gapCaptions}, {@code gridCaptions}. Paths are relative
 * to the file.
 */
final class EvaluateConfig {
    private static final List<String> NUMBERS =
            List.of("captions", "seeds", "gapSteps", "gapCaptions", "gridCaptions");
    private static final String DATA = "data";
    private static final String MODELS = "models";
    private static final String CAPTION_FILE = "captionFile";

    private final Path file;
    private final JsonNode root;

    private EvaluateConfig(Path file, JsonNode root) {
        this.file = file;
        this.root = root;
    }

    static EvaluateConfig read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new NoSuchFileException(file.toString());
        }
        try {
            EvaluateConfig config =
                    new EvaluateConfig(file, new YAMLMapper().readTree(file.toFile()));
            config.check();
            return config;
        } catch (JsonProcessingException e) {
            throw new BadInputException(
                    file + ": neither YAML nor JSON: " + Failure.oneLine(e.getOriginalMessage()));
        }
    }

    private void check() throws BadInputException {
        if (!root.isObject()) {
            throw bad("should have keys and values, such as models and data");
        }
        for (Iterator<String> names = root.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            boolean known =
                    List.of(DATA, MODELS, CAPTION_FILE).contains(name) || NUMBERS.contains(name);
            if (!known) {
                throw bad(
                        "unknown key \"%s\"; there are data, models, captionFile, %s"
                                .formatted(name, String.join(", ", NUMBERS)));
            }
        }
        for (String name : NUMBERS) {
            if (root.has(name) && !root.get(name).canConvertToInt()) {
                throw bad(name + " should be a whole number");
            }
        }
        for (String name : List.of(DATA, MODELS)) {
            if (root.has(name) && !root.get(name).isArray()) {
                throw bad(name + " should be a list");
            }
        }
    }

    private BadInputException bad(String what) {
        return new BadInputException(file + ": " + what);
    }

    private Path base() {
        return file.toAbsolutePath().getParent();
    }

    Optional<Integer> number(String name) {
        return Optional.ofNullable(root.get(name)).map(JsonNode::asInt);
    }

    Optional<Path> captionFile() {
        return Optional.ofNullable(root.get(CAPTION_FILE)).map(n -> base().resolve(n.asText()));
    }

    /** Each is a path, or an object with {@code name} and {@code path}. */
    List<DataEntry> data() throws BadInputException {
        List<DataEntry> entries = new ArrayList<>();
        for (JsonNode node : root.path(DATA)) {
            if (node.isTextual()) {
                entries.add(DataEntry.parse(node.asText(), base()));
            } else {
                Path path = base().resolve(required(node, DATA));
                String name = node.path("name").asText(ModelEntry.nameOf(path.toString()));
                entries.add(new DataEntry(name, path));
            }
        }
        return entries;
    }

    /** Each is a path, or an object with {@code path} and what a model on the command line may have. */
    List<ModelEntry> models() throws BadInputException {
        List<ModelEntry> entries = new ArrayList<>();
        for (JsonNode node : root.path(MODELS)) {
            Map<String, String> options = new LinkedHashMap<>();
            node.properties().forEach(e -> options.put(e.getKey(), e.getValue().asText()));
            String path = node.isTextual() ? node.asText() : required(node, MODELS);
            options.remove("path");
            Optional<String> name = Optional.ofNullable(options.remove("name"));
            entries.add(ModelEntry.of(name, path, options, base()));
        }
        return entries;
    }

    private String required(JsonNode node, String list) throws BadInputException {
        if (!node.path("path").isTextual()) {
            throw bad("an entry of " + list + " has no path: " + node);
        }
        return node.get("path").asText();
    }
}
