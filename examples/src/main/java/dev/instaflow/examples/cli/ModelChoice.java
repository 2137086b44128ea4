package dev.instaflow.examples.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.checkpoint.inspect.FileHash;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelCardReader;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.pipeline.AddedLora;
import dev.instaflow.pipeline.ImageParameters;
import dev.instaflow.pipeline.ImageParameters.InputFile;
import dev.instaflow.pipeline.ModelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model as the user named it, or as an image remembers it.
 *
 * @param model file or folder; the bundled model if empty
 * @param card a card's file, or the name of one that is built in
 * @param config CompVis YAML, or a card with a configuration
 * @param tokenizer folder with vocab.json and merges.txt
 * @param loras added to the weights, in this order
 */
record ModelChoice(
        Optional<Path> model,
        Optional<String> card,
        Optional<Path> config,
        Optional<Path> tokenizer,
        List<AddedLora> loras) {
    private static final String MODEL = "model";
    private static final String CARD = "card";
    private static final String CONFIG = "config";
    private static final String VOCABULARY = "vocabulary";
    private static final String MERGES = "merges";

    /** What an image was made with. */
    static ModelChoice recorded(ImageParameters parameters) {
        Map<String, InputFile> inputs = parameters.inputs();
        return new ModelChoice(
                path(inputs, MODEL),
                Optional.ofNullable(inputs.get(CARD)).map(InputFile::path),
                path(inputs, CONFIG),
                path(inputs, VOCABULARY).map(file -> file.toAbsolutePath().getParent()),
                LoraChoice.recorded(inputs));
    }

    private static Optional<Path> path(Map<String, InputFile> inputs, String role) {
        return Optional.ofNullable(inputs.get(role)).map(file -> Path.of(file.path()));
    }

    /** This choice, with the other's where this one leaves something open. */
    ModelChoice or(ModelChoice other) {
        return new ModelChoice(
                model.or(other::model),
                card.or(other::card),
                config.or(other::config),
                tokenizer.or(other::tokenizer),
                loras.isEmpty() ? other.loras : loras);
    }

    /**
     * Whether the user has left it to a file beside the model, or to its name, what the weights
     * are.
     */
    boolean isGuessed() {
        return model.isPresent() && card.isEmpty();
    }

    ModelSource source() throws IOException {
        ModelSource source = ModelSource.bundled();
        if (model.isPresent()) {
            source = ModelSource.of(existing(model.get()));
        } else if (card.isPresent() || config.isPresent() || tokenizer.isPresent()) {
            throw new BadInputException(
                    "--card, --config and --tokenizer need --model: the bundled model has its own");
        }
        if (card.isPresent()) {
            source = source.withCard(card(card.get()));
        }
        if (config.isPresent()) {
            source = source.withConfig(config(existing(config.get())));
        }
        if (tokenizer.isPresent()) {
            source = source.withTokenizer(existing(tokenizer.get()));
        }
        for (AddedLora lora : loras) {
            source = source.withLora(lora.file(), lora.strength());
        }
        return source;
    }

    /**
     * What an image has to remember of this choice.
     *
     * @param weightsSha256 of the model
     */
    Map<String, InputFile> inputs(String weightsSha256) throws IOException {
        Map<String, InputFile> inputs = new LinkedHashMap<>();
        model.ifPresent(path -> inputs.put(MODEL, new InputFile(path.toString(), weightsSha256)));
        if (card.isPresent()) {
            String sha256 = isBuiltIn(card.get()) ? "" : FileHash.sha256(Path.of(card.get()));
            inputs.put(CARD, new InputFile(card.get(), sha256));
        }
        if (config.isPresent()) {
            inputs.put(CONFIG, InputFiles.hashed(config.get()));
        }
        if (tokenizer.isPresent()) {
            inputs.put(VOCABULARY, InputFiles.hashed(tokenizer.get().resolve("vocab.json")));
            inputs.put(MERGES, InputFiles.hashed(tokenizer.get().resolve("merges.txt")));
        }
        inputs.putAll(LoraChoice.inputs(loras));
        return inputs;
    }

    private static boolean isBuiltIn(String card) {
        return builtIn(card).isPresent();
    }

    private static Optional<ModelCard> builtIn(String card) {
        return switch (card) {
            case "instaflow" -> Optional.of(ModelCard.instaFlow());
            case "2-rf" -> Optional.of(ModelCard.twoRectifiedFlow());
            case "sd15" -> Optional.of(ModelCard.stableDiffusion15());
            default -> Optional.empty();
        };
    }

    private static ModelCard card(String name) throws IOException {
        Optional<ModelCard> known = builtIn(name);
        if (known.isPresent()) {
            return known.get();
        }
        if (!Files.isRegularFile(Path.of(name))) {
            throw new BadInputException(
                    "--card " + name + ": no such file, and none of instaflow, 2-rf, sd15");
        }
        return ModelCardReader.read(name, json(Path.of(name)));
    }

    private static ModelConfig config(Path file) throws IOException {
        return file.toString().endsWith(".json")
                ? ModelConfig.ofCard(file.toString(), json(file))
                : ModelConfig.ofYaml(file);
    }

    private static JsonNode json(Path file) throws IOException {
        try {
            return new ObjectMapper().readTree(file.toFile());
        } catch (JsonProcessingException e) {
            throw new BadInputException(file + ": not JSON: " + e.getOriginalMessage());
        }
    }

    private static Path existing(Path path) throws NoSuchFileException {
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString());
        }
        return path;
    }
}
