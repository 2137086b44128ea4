package dev.instaflow.pipeline;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelCardReader;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.tokenizer.ClipTokenizer;
import dev.instaflow.tokenizer.KnownWords;
import dev.instaflow.tokenizer.TextCleanup;
import dev.instaflow.tokenizer.TokenizerSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds what goes with a model file: its card, configuration, tokenizer and captions. */
final class ModelFiles {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long LARGEST_JSON_BYTES = 1 << 22;

    private final Path model;
    private final Optional<Path> tokenizer;
    private final Optional<ModelCard> givenCard;
    private final Optional<ModelConfig> givenConfig;
    private final Optional<Path> cardFile;
    private final JsonNode cardJson;

    ModelFiles(
            Path model,
            Optional<Path> tokenizer,
            Optional<ModelCard> card,
            Optional<ModelConfig> config)
            throws IOException {
        this.model = model;
        this.tokenizer = tokenizer;
        this.givenCard = card;
        this.givenConfig = config;
        this.cardFile = findCard();
        this.cardJson = cardFile.isPresent() ? readJson(cardFile.get()) : JSON.createObjectNode();
    }

    Path model() {
        return model;
    }

    private Path folder() {
        return Files.isDirectory(model) ? model : model.toAbsolutePath().getParent();
    }

    /** {@code model.ckpt} has {@code model.json} and {@code model.yaml} beside it. */
    private Optional<Path> beside(String extension) {
        String name = model.getFileName().toString();
        int dot = name.lastIndexOf('.');
        String stem = dot > 0 ? name.substring(0, dot) : name;
        Path file = folder().resolve(stem + extension);
        return Files.isRegularFile(file) ? Optional.of(file) : Optional.empty();
    }

    private Optional<Path> findCard() throws IOException {
        List<Path> candidates = new ArrayList<>();
        beside(".json").ifPresent(candidates::add);
        candidates.add(folder().resolve("card.json"));
        for (Path candidate : candidates) {
            if (Files.isRegularFile(candidate)
                    && ModelCardReader.looksLikeCard(readJson(candidate))) {
                return Optional.of(candidate);
            }
        }
        return Optional.empty();
    }

    private static JsonNode readJson(Path file) throws IOException {
        if (Files.size(file) > LARGEST_JSON_BYTES) {
            throw new CheckpointFormatException(
                    "%s: %d bytes are too many for a JSON file of a model, at most %d are read"
                            .formatted(file, Files.size(file), LARGEST_JSON_BYTES));
        }
        try {
            return JSON.readTree(file.toFile());
        } catch (JsonProcessingException e) {
            throw new CheckpointFormatException(file + ": not JSON: " + e.getOriginalMessage(), e);
        }
    }

    /** What the user said, else the card file, else what the names suggest. */
    ModelCard card() throws IOException {
        if (givenCard.isPresent()) {
            return givenCard.get();
        }
        if (cardFile.isPresent()) {
            return ModelCardReader.read(cardFile.get().toString(), cardJson);
        }
        String hints = hints().toLowerCase(Locale.ROOT);
        if (hints.contains("instaflow")) {
            return ModelCard.instaFlow();
        }
        if (hints.contains("rectified") || hints.contains("2-rf") || hints.contains("2rf")) {
            return ModelCard.twoRectifiedFlow();
        }
        return ModelCard.stableDiffusion15();
    }

    /** File and folder name, and the pipeline's class where the folder names it. */
    private String hints() throws IOException {
        Path index = folder().resolve("model_index.json");
        String pipeline =
                Files.isDirectory(model) && Files.isRegularFile(index)
                        ? readJson(index).path("_class_name").asText("")
                        : "";
        return model.toAbsolutePath().getFileName() + " " + pipeline;
    }

    /** What the user said, else the card, a yaml beside the file, the folder, else the tensors. */
    ModelConfig config(Checkpoint compVis) throws IOException {
        if (givenConfig.isPresent()) {
            return givenConfig.get();
        }
        if (cardJson.path("config").isObject()) {
            return ModelConfig.ofCard(cardFile.orElseThrow().toString(), cardJson);
        }
        Optional<Path> yaml = beside(".yaml");
        if (yaml.isPresent()) {
            return ModelConfig.ofYaml(yaml.get());
        }
        if (Files.isDirectory(model)) {
            return ModelConfig.ofDiffusersFolder(model);
        }
        return ModelConfig.ofTensors(compVis);
    }

    ClipTokenizer tokenizer(int maxLength) throws IOException {
        TokenizerSettings settings = TokenizerSettings.clip().withMaxLength(maxLength);
        if (cardJson.path("tokenizer").path("cleanup").asText().equals("nfc-lower-case")) {
            settings = settings.withCleanup(TextCleanup.NFC_LOWER_CASE);
        }
        Optional<Path> found =
                tokenizer.or(
                        () ->
                                Stream.of(folder(), folder().resolve("tokenizer"))
                                        .filter(f -> Files.isRegularFile(f.resolve("vocab.json")))
                                        .findFirst());
        return found.isPresent()
                ? ClipTokenizer.load(found.get(), settings)
                : ClipTokenizer.openAi(settings);
    }

    List<Caption> captions() throws IOException {
        List<Caption> captions = new ArrayList<>();
        if (cardJson.path("captions").isTextual()) {
            for (JsonNode row : readJson(folder().resolve(cardJson.get("captions").asText()))) {
                captions.add(new Caption(row.path("text").asText(), row.path("emoji").asText()));
            }
        }
        return List.copyOf(captions);
    }

    static Optional<KnownWords> knownWords(List<Caption> captions) {
        return captions.isEmpty()
                ? Optional.empty()
                : Optional.of(KnownWords.of(captions.stream().map(Caption::text).toList()));
    }
}
