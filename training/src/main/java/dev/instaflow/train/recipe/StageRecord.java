package dev.instaflow.train.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.AtomicFile;
import dev.instaflow.checkpoint.layout.JsonFile;
import dev.instaflow.train.run.RunSetting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What a part was begun with, kept in its folder, so that a part that has other settings now is neither skipped
 * nor continued without a word.
 */
final class StageRecord {
    private static final String FILE = "part.json";
    private static final List<String> RESULTS =
            List.of(TrainingLoop.CHECKPOINTS, PairTask.FOLDER, Models.MODEL_FOLDER);
    private static final String FINISHED = "finished";
    private static final String INPUTS = "inputs";
    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** What a result does not depend on, or only by rounding. */
    private static final List<String> FREE =
            List.of("device", "threads", "memory", "checkpoints.", "progress.", "data.cache");

    /** What may change on purpose, as {@link RunSetting#LEARNING_RATE}. */
    private static final List<String> SCHEDULE = List.of("learningRate.", "steps");

    private final Path folder;
    private final ObjectNode settings;

    /**
     * A record.
     *
     * @param folder of the part
     * @param settings of the part
     * @param inputs checksums of the models that it begins with, by key
     */
    StageRecord(Path folder, ObjectNode settings, Map<String, String> inputs) {
        this.folder = folder;
        this.settings = settings.deepCopy();
        ObjectNode hashes = this.settings.putObject(INPUTS);
        inputs.forEach(hashes::put);
    }

    /**
     * Compares with what the part was begun with, and remembers it where it was not begun.
     *
     * @param changed what is changed on purpose
     * @return whether the part is finished
     * @throws IllegalArgumentException if a setting differs; the message names it
     */
    boolean begin(Set<RunSetting> changed) throws IOException {
        Path file = folder.resolve(FILE);
        boolean finished = false;
        if (Files.exists(file) && hasResults()) {
            ObjectNode before = (ObjectNode) JsonFile.readObject(file);
            finished = before.path(FINISHED).asBoolean();
            List<String> differences = new ArrayList<>();
            compare(before, settings, "", differences);
            differences.removeIf(key -> isOneOf(FREE, key));
            boolean schedule = changed.contains(RunSetting.LEARNING_RATE);
            boolean longer = schedule && differences.removeIf(key -> isOneOf(SCHEDULE, key));
            if (!differences.isEmpty()) {
                String key = differences.get(0);
                throw new IllegalArgumentException(
                        "%s was begun with %s %s, which is %s now; take another folder, or delete this one%s"
                                .formatted(
                                        folder,
                                        key,
                                        value(before, key),
                                        value(settings, key),
                                        isOneOf(SCHEDULE, key)
                                                ? ", or allow the change of the learning rate"
                                                : ""));
            }
            finished &= !longer;
        }
        write(finished);
        return finished;
    }

    /** A part that failed on a bad setting has none, and the setting may be corrected. */
    private boolean hasResults() throws IOException {
        for (String name : RESULTS) {
            Path results = folder.resolve(name);
            if (Files.isDirectory(results)) {
                try (Stream<Path> files = Files.list(results)) {
                    if (files.findAny().isPresent()) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private static boolean isOneOf(List<String> keys, String key) {
        return keys.stream().anyMatch(k -> k.endsWith(".") ? key.startsWith(k) : key.equals(k));
    }

    private static JsonNode value(JsonNode tree, String key) {
        return tree.at("/" + key.replace('.', '/'));
    }

    private static void compare(
            ObjectNode before, ObjectNode now, String path, List<String> differences) {
        for (Map.Entry<String, JsonNode> field : now.properties()) {
            JsonNode old = before.path(field.getKey());
            String key = path + field.getKey();
            if (field.getValue() instanceof ObjectNode inner && old instanceof ObjectNode group) {
                compare(group, inner, key + '.', differences);
            } else if (differ(field.getValue(), old)) {
                differences.add(key);
            }
        }
    }

    /** YAML and JSON may have the same number in two types. */
    private static boolean differ(JsonNode a, JsonNode b) {
        return a.isNumber() && b.isNumber()
                ? a.doubleValue() != b.doubleValue()
                : !a.toString().equals(b.toString());
    }

    void finish() throws IOException {
        write(true);
    }

    private void write(boolean finished) throws IOException {
        Files.createDirectories(folder);
        ObjectNode tree = settings.deepCopy();
        tree.put(FINISHED, finished);
        AtomicFile.write(
                folder.resolve(FILE),
                part -> MAPPER.writerWithDefaultPrettyPrinter().writeValue(part.toFile(), tree));
    }
}
