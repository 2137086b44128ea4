package dev.instaflow.train.recipe;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.convert.AtomicFolder;
import dev.instaflow.checkpoint.convert.Conversion;
import dev.instaflow.checkpoint.convert.Converter;
import dev.instaflow.checkpoint.inspect.FileHash;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.ConvertedEntry;
import dev.instaflow.train.data.EmojiRow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A finished model with all that belongs beside it: card, tokenizer, captions. Also the files that each checkpoint
 * of a run gets a copy of, so that it can be used as it is.
 */
final class ModelFolder {
    static final Map<String, DType> DTYPES =
            Map.of("f16", DType.F16, "f32", DType.F32, "bf16", DType.BF16);

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String CARD = "card.json";
    private static final String CAPTIONS = "captions.json";
    private static final String MODEL = "model.ckpt";
    private static final String LORA = "lora.safetensors";
    private static final List<String> TOKENIZER = List.of("vocab.json", "merges.txt");

    private final StartModel start;
    private final Section export;
    private final ObjectNode captions;

    /**
     * A folder to be written.
     *
     * @param start has card and tokenizer
     * @param export settings of the key export
     * @param rows what the model was shown, by caption; if there are none the start's captions stay
     */
    ModelFolder(StartModel start, Section export, Map<String, List<EmojiRow>> rows) {
        this.start = start;
        this.export = export;
        this.captions = captions(rows);
        card(); // bad limits are found out before the work
    }

    private static ObjectNode captions(Map<String, List<EmojiRow>> rows) {
        ObjectNode root = MAPPER.createObjectNode();
        ArrayNode list = root.putArray("captions");
        rows.forEach(
                (text, same) -> {
                    Map<String, String> fields = same.get(0).fields();
                    ObjectNode caption = list.addObject();
                    caption.put("text", text);
                    caption.put("emoji", fields.getOrDefault("emoji", ""));
                    caption.put("hexcode", fields.getOrDefault("hexcode", ""));
                });
        return root;
    }

    /** The start's card with what the settings change. */
    private ObjectNode card() {
        ObjectNode card = start.cardJson().deepCopy();
        card.remove("sha256");
        export.given("name").ifPresent(name -> card.put("name", name));
        export.given("description").ifPresent(text -> card.put("description", text));
        ObjectNode steps = card.withObject("/allowedSteps");
        put(steps, "min", export.count("minSteps", 0));
        put(steps, "max", export.count("maxSteps", 0));
        put(steps, "default", export.count("defaultSteps", 0));
        boolean ordered =
                steps.path("min").asInt() <= steps.path("default").asInt()
                        && steps.path("default").asInt() <= steps.path("max").asInt();
        if (!ordered) {
            throw export.bad(
                    "defaultSteps",
                    "the model would be made for %s steps; expected min <= default <= max"
                            .formatted(steps));
        }
        ObjectNode guidance = card.withObject("/guidance");
        put(guidance, "max", "maxGuidance");
        put(guidance, "default", "defaultGuidance");
        if (!captions.path("captions").isEmpty()) {
            card.put("captions", CAPTIONS);
        }
        return card;
    }

    private static void put(ObjectNode group, String key, int value) {
        if (value > 0) {
            group.put(key, value);
        }
    }

    private void put(ObjectNode group, String key, String setting) {
        if (export.number(setting) >= 0) {
            group.put(key, export.number(setting));
        }
    }

    /** Writes what belongs beside weights. */
    List<Path> writeCompanions(Path folder) throws IOException {
        Files.createDirectories(folder.toAbsolutePath().getParent());
        AtomicFolder.write(folder, temporary -> fill(temporary, card()));
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    private void fill(Path folder, ObjectNode card) throws IOException {
        MAPPER.writerWithDefaultPrettyPrinter().writeValue(folder.resolve(CARD).toFile(), card);
        if (start.tokenizerFolder().isPresent()) {
            for (String name : TOKENIZER) {
                Files.copy(start.tokenizerFolder().get().resolve(name), folder.resolve(name));
            }
        }
        Path known = start.file().toAbsolutePath().resolveSibling(CAPTIONS);
        if (!captions.path("captions").isEmpty()) {
            MAPPER.writeValue(folder.resolve(CAPTIONS).toFile(), captions);
        } else if (card.path("captions").isTextual() && Files.isRegularFile(known)) {
            Files.copy(known, folder.resolve(CAPTIONS));
        }
    }

    /**
     * Writes the model of a checkpoint.
     *
     * @param checkpoint a whole model
     * @param weights which of its weights
     * @param folder replaced if it exists; there whole or not at all
     * @return the model's file
     */
    Path write(Path checkpoint, WeightSet weights, Path folder) throws IOException {
        DType dtype = export.choice("dtype", DTYPES);
        Files.createDirectories(folder.toAbsolutePath().getParent());
        AtomicFolder.write(
                folder,
                temporary -> {
                    Path model = temporary.resolve(MODEL);
                    Converter.convert(
                            Conversion.of(checkpoint, model).withWeights(weights).withDtype(dtype));
                    ObjectNode card = card();
                    card.put("sha256", FileHash.sha256(model));
                    fill(temporary, card);
                });
        return folder.resolve(MODEL);
    }

    /** Writes the adapters of a checkpoint as a file that other programs read, too. */
    static Path writeLora(Path checkpoint, Section export, Path folder) throws IOException {
        DType dtype = export.choice("dtype", DTYPES);
        Files.createDirectories(folder.toAbsolutePath().getParent());
        AtomicFolder.write(
                folder,
                temporary -> {
                    try (Checkpoint source = Checkpoint.open(checkpoint)) {
                        List<Entry> entries = new ArrayList<>();
                        for (Entry entry : source.entries()) {
                            entries.add(ConvertedEntry.of(entry, dtype));
                        }
                        Map<String, String> header =
                                Map.of("format", "pt", "ss_network_module", "networks.lora");
                        SafetensorsWriter.write(temporary.resolve(LORA), entries, header);
                    }
                });
        return folder.resolve(LORA);
    }

    /** What a part has written, if it is there. */
    static Optional<Path> finished(Path folder) {
        return Stream.of(MODEL, LORA).map(folder::resolve).filter(Files::exists).findFirst();
    }
}
