package dev.instaflow.pipeline;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.ModelIdentity;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.checkpoint.lora.LoraFile;
import dev.instaflow.checkpoint.lora.LoraTargets;
import dev.instaflow.checkpoint.lora.LoraView;
import dev.instaflow.checkpoint.lora.UnknownKeys;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Checks a checkpoint as a whole and makes a model of it. Its networks are loaded at once or later, as the
 * memory mode says; on failure nothing of them is left.
 */
final class ModelLoader {
    private final ModelFiles files;
    private final List<AddedLora> loras;
    private final Backend backend;
    private final WeightSet weights;
    private final MemoryMode mode;

    ModelLoader(
            ModelFiles files,
            List<AddedLora> loras,
            Backend backend,
            WeightSet weights,
            MemoryMode mode) {
        this.files = files;
        this.loras = loras;
        this.backend = backend;
        this.weights = weights;
        this.mode = mode;
    }

    /** The model owns the open file. */
    LoadedModel load() throws IOException {
        CompVisView view = CompVisView.open(files.model(), weights);
        LoadedModel model;
        try {
            model = describe(view);
        } catch (IOException | RuntimeException e) {
            view.close();
            throw e;
        }
        boolean loaded = false;
        try {
            model.networks().loadResident();
            loaded = true;
            return model;
        } finally {
            if (!loaded) {
                model.close();
            }
        }
    }

    private LoadedModel describe(CompVisView view) throws IOException {
        requireAllParts(view);
        ModelCard card = files.card(view);
        ModelConfig config = files.config(view);
        ClipTextModel.requireFit(view, config.text());
        UNet.requireFit(view, config.unet());
        AutoencoderKl.requireFit(view, config.vae());
        return new LoadedModel(
                card,
                config,
                ArchitectureShapes.of(view),
                textStage(config),
                new Networks(backend, withLoras(view), config, mode),
                new WeightsHash(files.model(), loras));
    }

    /** Owns the view and the files that it opens; on failure these are closed. */
    private Checkpoint withLoras(CompVisView view) throws IOException {
        Checkpoint source = view;
        boolean opened = false;
        try {
            for (AddedLora lora : loras) {
                LoraTargets targets = LoraTargets.of(view);
                LoraFile file = LoraFile.open(lora.file(), targets, UnknownKeys.REFUSE);
                source = LoraView.of(source, file, lora.strength());
            }
            opened = true;
            return source;
        } finally {
            if (!opened) {
                source.close();
            }
        }
    }

    private TextStage textStage(ModelConfig config) throws IOException {
        List<Caption> captions = files.captions();
        return new TextStage(
                files.tokenizer(config.text().maxLength()),
                captions,
                ModelFiles.knownWords(captions));
    }

    private void requireAllParts(CompVisView view) throws IOException {
        Set<ModelPart> missing = EnumSet.allOf(ModelPart.class);
        missing.removeAll(view.parts());
        if (!missing.isEmpty()) {
            throw new CheckpointFormatException(
                    "%s: %s, without %s; images need a whole checkpoint or a diffusers folder"
                            .formatted(
                                    files.model(),
                                    ModelIdentity.of(view).kind().description(),
                                    missing));
        }
    }
}
