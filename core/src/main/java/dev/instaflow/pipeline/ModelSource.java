package dev.instaflow.pipeline;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where a model lies, and what the user knows about it that the files do not say. Immutable.
 *
 * <p>A model is a {@code .ckpt} or {@code .safetensors} file in CompVis or diffusers naming, or a diffusers
 * folder. What is not given is looked for beside it: a card ({@code <file>.json} or {@code card.json}), a
 * configuration ({@code <file>.yaml}, or the JSON files of a diffusers folder, or the card; else the tensors'
 * shapes tell), a tokenizer ({@code vocab.json} and {@code merges.txt} beside the file or in {@code
 * tokenizer/}; else CLIP's).
 */
public final class ModelSource {
    private final Optional<Path> path;
    private final Optional<Path> tokenizer;
    private final Optional<ModelCard> card;
    private final Optional<ModelConfig> config;
    private final List<AddedLora> loras;

    private ModelSource(
            Optional<Path> path,
            Optional<Path> tokenizer,
            Optional<ModelCard> card,
            Optional<ModelConfig> config,
            List<AddedLora> loras) {
        this.path = path;
        this.tokenizer = tokenizer;
        this.card = card;
        this.config = config;
        this.loras = List.copyOf(loras);
    }

    /**
     * The emoji model of the artifact {@code instaflow-emoji-model}.
     *
     * @return its source; whether the artifact is there is found out when it is opened
     */
    public static ModelSource bundled() {
        return new ModelSource(
                Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), List.of());
    }

    /**
     * A model on disk.
     *
     * @param model a file or a diffusers folder
     * @return its source
     */
    public static ModelSource of(Path model) {
        return new ModelSource(
                Optional.of(model),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of());
    }

    /**
     * Another tokenizer than the one found.
     *
     * @param folder has {@code vocab.json} and {@code merges.txt}
     * @return a changed copy
     */
    public ModelSource withTokenizer(Path folder) {
        return new ModelSource(path, Optional.of(folder), card, config, loras);
    }

    /**
     * Another card than the one found.
     *
     * @param known what the model is
     * @return a changed copy
     */
    public ModelSource withCard(ModelCard known) {
        return new ModelSource(path, tokenizer, Optional.of(known), config, loras);
    }

    /**
     * Other sizes than those found; the number of attention heads cannot be told from tensors.
     *
     * @param known the sizes
     * @return a changed copy
     */
    public ModelSource withConfig(ModelConfig known) {
        return new ModelSource(path, tokenizer, card, Optional.of(known), loras);
    }

    /**
     * The model with a LoRA added to its weights, after those added before.
     *
     * @param file of kohya, diffusers or PEFT, made for models of the same sizes
     * @param strength 1 for what was trained
     * @return a changed copy
     */
    public ModelSource withLora(Path file, float strength) {
        List<AddedLora> more = new ArrayList<>(loras);
        more.add(new AddedLora(file, strength));
        return new ModelSource(path, tokenizer, card, config, more);
    }

    /**
     * What is known of the model besides its weights, which are not read.
     *
     * @return card, sizes and tokenizer
     * @throws IOException if a file is missing, damaged or not such a model
     */
    public ModelDescription describe() throws IOException {
        if (path.isPresent()) {
            return describe(path.get());
        }
        try (BundledModel bundled = BundledModel.extract()) {
            return describe(bundled.checkpoint());
        }
    }

    private ModelDescription describe(Path model) throws IOException {
        ModelFiles files = new ModelFiles(model, tokenizer, card, config);
        try (CompVisView view = CompVisView.open(model, WeightSet.PLAIN)) {
            ModelConfig sizes = files.config(view);
            return new ModelDescription(
                    files.card(view), sizes, files.tokenizer(sizes.text().maxLength()));
        }
    }

    /** Checks everything, and loads what the settings want loaded. */
    LoadedModel load(Backend backend, EngineSettings settings) throws IOException {
        return load(backend, settings.weights(), settings.memory());
    }

    /** As {@link #load(Backend, EngineSettings)}, with what of the settings matters here. */
    LoadedModel load(Backend backend, WeightSet weights, MemoryMode memory) throws IOException {
        if (path.isEmpty()) {
            // Memory that a model of 7 MB could save is not worth keeping a copy of its file.
            try (BundledModel bundled = BundledModel.extract()) {
                Path file = bundled.checkpoint();
                return withoutItsFile(loader(file, backend, weights, MemoryMode.RESIDENT).load());
            }
        }
        return loader(path.get(), backend, weights, memory).load();
    }

    private static LoadedModel withoutItsFile(LoadedModel model) throws IOException {
        boolean whole = false;
        try {
            model.networks().loadWholly();
            model.sha256().get();
            whole = true;
            return model;
        } finally {
            if (!whole) {
                model.close();
            }
        }
    }

    private ModelLoader loader(Path model, Backend backend, WeightSet weights, MemoryMode memory)
            throws IOException {
        return new ModelLoader(
                new ModelFiles(model, tokenizer, card, config), loras, backend, weights, memory);
    }
}
