package dev.instaflow.train.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.convert.AtomicFolder;
import dev.instaflow.checkpoint.layout.CardFile;
import dev.instaflow.checkpoint.layout.JsonFile;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelCardReader;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.pipeline.BundledModel;
import dev.instaflow.pipeline.ModelDescription;
import dev.instaflow.pipeline.ModelSource;
import dev.instaflow.train.recipe.StartModel.Origin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Finds the models that settings name: a path, an earlier part, or the bundled one, which is copied into the run's
 * folder so that the run does not depend on which version of it is installed when it goes on.
 *
 * @param run folder of the run
 * @param earlier folders of the parts that are finished, by name
 */
record Models(Path run, Map<String, Path> earlier) {
    static final Map<String, WeightSet> WEIGHTS =
            Map.of("plain", WeightSet.PLAIN, "ema", WeightSet.EMA);

    /** The finished model of a part. */
    static final String MODEL_FOLDER = "model";

    private static final String BUNDLED = "bundled";
    private static final List<String> UNET_SIZES =
            List.of(
                    "model_channels",
                    "channel_mult",
                    "num_res_blocks",
                    "attention_resolutions",
                    "num_heads",
                    "transformer_depth",
                    "norm_groups");
    private static final List<String> TEXT_SIZES = List.of("width", "layers", "heads");
    private static final Map<String, Supplier<ModelCard>> BUILT_IN =
            Map.of(
                    "instaflow", ModelCard::instaFlow,
                    "2-rf", ModelCard::twoRectifiedFlow,
                    "sd15", ModelCard::stableDiffusion15);

    static boolean isBundled(String name) {
        return name.equals(BUNDLED);
    }

    /** The file of a model, which is there. */
    Path file(Section settings, String key) throws IOException {
        String name =
                settings.given(key)
                        .orElseThrow(
                                () ->
                                        settings.bad(
                                                key,
                                                "names no model; give a checkpoint, \"bundled\" or an"
                                                        + " earlier part"));
        if (isBundled(name)) {
            return bundled();
        }
        if (earlier.containsKey(name)) {
            return existing(
                    settings, key, earlier.get(name).resolve(MODEL_FOLDER).resolve("model.ckpt"));
        }
        return existing(settings, key, settings.file(key).orElseThrow());
    }

    private static Path existing(Section settings, String key, Path file) throws IOException {
        if (!Files.exists(file)) {
            NoSuchFileException cause = new NoSuchFileException(file.toString());
            IllegalArgumentException bad =
                    settings.bad(key, file + ": no such file, nor an earlier part of that name");
            bad.initCause(cause);
            throw bad;
        }
        return file;
    }

    private Path bundled() throws IOException {
        Path folder = run.resolve(BUNDLED);
        if (!Files.isDirectory(folder)) {
            Files.createDirectories(run);
            AtomicFolder.write(folder, BundledModel::copyTo);
        }
        return folder.resolve("model.ckpt");
    }

    /** What a part begins with. */
    StartModel start(Section settings) throws IOException {
        Origin origin = settings.given("start").isPresent() ? Origin.CHECKPOINT : Origin.FRESH;
        Path file = file(settings, origin == Origin.FRESH ? "autoencoder" : "start");
        ModelSource source = ModelSource.of(file);
        Optional<ObjectNode> cardFile = card(settings, file);
        if (cardFile.isPresent()) {
            JsonNode json = cardFile.get();
            source = source.withCard(ModelCardReader.read(file.toString(), json));
            if (json.path("config").isObject()) {
                source = source.withConfig(ModelConfig.ofCard(file.toString(), json));
            }
        } else if (settings.given("card").isPresent()) {
            source = source.withCard(settings.choice("card", BUILT_IN).get());
        }
        Optional<Path> tokenizer = tokenizer(settings, file);
        if (tokenizer.isPresent()) {
            source = source.withTokenizer(tokenizer.get());
        }
        ModelDescription model = source.describe();
        ObjectNode json =
                cardFile.map(ObjectNode::deepCopy)
                        .orElseGet(() -> CardJson.of(model.card(), model.config()));
        if (!json.path("config").isObject()) {
            json.set("config", CardJson.config(model.config()));
        }
        ModelConfig config = model.config();
        if (origin == Origin.FRESH) {
            config = resized(settings, file, json);
        }
        WeightSet weights =
                origin == Origin.FRESH ? WeightSet.PLAIN : settings.choice("weights", WEIGHTS);
        return new StartModel(
                origin, file, weights, model.card(), config, model.tokenizer(), json, tokenizer);
    }

    private static Optional<ObjectNode> card(Section settings, Path model) throws IOException {
        if (settings.given("card").filter(BUILT_IN::containsKey).isPresent()) {
            return Optional.empty();
        }
        Optional<Path> named = settings.file("card");
        if (named.isPresent()) {
            return Optional.of(
                    (ObjectNode) JsonFile.readObject(existing(settings, "card", named.get())));
        }
        return CardFile.beside(model)
                .map(CardFile::root)
                .filter(ModelCardReader::looksLikeCard)
                .map(ObjectNode.class::cast);
    }

    private static Optional<Path> tokenizer(Section settings, Path model) throws IOException {
        Optional<Path> named = settings.file("tokenizer");
        if (named.isPresent()) {
            existing(settings, "tokenizer", named.get());
            return named;
        }
        Path folder = Files.isDirectory(model) ? model : model.toAbsolutePath().getParent();
        return Stream.of(folder, folder.resolve("tokenizer"))
                .filter(f -> Files.isRegularFile(f.resolve("vocab.json")))
                .findFirst();
    }

    /** Changes the sizes in a card, and gives them. */
    private static ModelConfig resized(Section settings, Path file, ObjectNode json)
            throws IOException {
        ObjectNode sizes = (ObjectNode) json.get("config");
        lay(settings.at("unet"), UNET_SIZES, sizes.withObject("/unet"));
        lay(settings.at("text"), TEXT_SIZES, sizes.withObject("/text"));
        sizes.withObject("/unet").set("context_dim", sizes.at("/text/width"));
        try {
            return ModelConfig.ofCard(file.toString(), json);
        } catch (IOException | IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    settings.label() + settings.path() + "unet or text: " + e.getMessage(), e);
        }
    }

    private static void lay(Section given, List<String> known, ObjectNode sizes) {
        given.tree()
                .properties()
                .forEach(
                        size -> {
                            if (!known.contains(size.getKey())) {
                                throw given.bad(
                                        size.getKey(),
                                        "unknown key; there are " + String.join(", ", known));
                            }
                            sizes.set(size.getKey(), size.getValue());
                        });
    }
}
