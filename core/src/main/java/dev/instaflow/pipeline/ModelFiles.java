package dev.instaflow.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.CardFile;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.JsonFile;
import dev.instaflow.checkpoint.layout.ModelIdentity;
import dev.instaflow.checkpoint.layout.ModelKind;
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

    private final Path model;
    private final Optional<Path> tokenizer;
    private final Optional<ModelCard> givenCard;
    private final Optional<ModelConfig> givenConfig;
    private final Optional<CardFile> cardFile;

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
        this.cardFile =
                CardFile.beside(model).filter(file -> ModelCardReader.looksLikeCard(file.root()));
    }

    Path model() {
        return model;
    }

    private Path folder() {
        return Files.isDirectory(model) ? model : model.toAbsolutePath().getParent();
    }

    private JsonNode cardRoot() {
        return cardFile.map(CardFile::root).orElse(MissingNode.getInstance());
    }

    /** What the user said, else the card file, else what the names suggest. */
    ModelCard card(CompVisView view) throws IOException {
        if (givenCard.isPresent()) {
            return givenCard.get();
        }
        if (cardFile.isPresent()) {
            return ModelCardReader.read(cardFile.get().path().toString(), cardRoot());
        }
        if (ModelIdentity.of(view).kind() != ModelKind.INSTAFLOW) {
            return ModelCard.stableDiffusion15();
        }
        // Both flows have the same tensors; the pipeline's class is the same in both folders.
        String signs = model.toAbsolutePath().getFileName() + " " + view.metadata().values();
        return signs.toLowerCase(Locale.ROOT).contains("instaflow")
                ? ModelCard.instaFlow()
                : ModelCard.twoRectifiedFlow();
    }

    /** What the user said, else the card, a yaml beside the file, the folder, else the tensors. */
    ModelConfig config(Checkpoint compVis) throws IOException {
        if (givenConfig.isPresent()) {
            return givenConfig.get();
        }
        if (cardRoot().path("config").isObject()) {
            return ModelConfig.ofCard(cardFile.orElseThrow().path().toString(), cardRoot());
        }
        Optional<Path> yaml = yamlBeside();
        if (yaml.isPresent()) {
            return ModelConfig.ofYaml(yaml.get());
        }
        if (Files.isDirectory(model)) {
            return ModelConfig.ofDiffusersFolder(model);
        }
        return ModelConfig.ofTensors(compVis);
    }

    /** {@code model.ckpt} may have {@code model.yaml} beside it. */
    private Optional<Path> yamlBeside() {
        String name = model.toAbsolutePath().getFileName().toString();
        int dot = name.lastIndexOf('.');
        Path yaml = folder().resolve((dot > 0 ? name.substring(0, dot) : name) + ".yaml");
        return Files.isRegularFile(yaml) ? Optional.of(yaml) : Optional.empty();
    }

    ClipTokenizer tokenizer(int maxLength) throws IOException {
        TokenizerSettings settings = TokenizerSettings.clip().withMaxLength(maxLength);
        if (cardRoot().path("tokenizer").path("cleanup").asText().equals("nfc-lower-case")) {
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

    /** From the file beside the card that its {@code captions} names; never from elsewhere. */
    List<Caption> captions() throws IOException {
        if (!cardRoot().path("captions").isTextual()) {
            return List.of();
        }
        String name = Path.of(cardRoot().path("captions").asText()).getFileName().toString();
        Path file = cardFile.orElseThrow().path().resolveSibling(name);
        List<Caption> captions = new ArrayList<>();
        for (JsonNode row : JsonFile.readObject(file).path("captions")) {
            captions.add(new Caption(row.path("text").asText(), row.path("emoji").asText()));
        }
        return List.copyOf(captions);
    }

    static Optional<KnownWords> knownWords(List<Caption> captions) {
        return captions.isEmpty()
                ? Optional.empty()
                : Optional.of(KnownWords.of(captions.stream().map(Caption::text).toList()));
    }
}
