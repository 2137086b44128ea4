package dev.instaflow.pipeline;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.ModelIdentity;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Brings the networks of a checkpoint to a backend; on failure nothing of them is left there. */
final class ModelLoader {
    private final ModelFiles files;
    private final Backend backend;
    private final WeightSet weights;

    ModelLoader(ModelFiles files, Backend backend, WeightSet weights) {
        this.files = files;
        this.backend = backend;
        this.weights = weights;
    }

    LoadedModel load() throws IOException {
        try (CompVisView view = CompVisView.open(files.model(), weights)) {
            requireAllParts(view);
            ModelCard card = files.card(view);
            ModelConfig config = files.config(view);
            return load(view, card, config);
        }
    }

    private LoadedModel load(CompVisView view, ModelCard card, ModelConfig config)
            throws IOException {
        Deque<Runnable> undo = new ArrayDeque<>();
        try {
            ClipTextModel text = ClipTextModel.load(backend, view, config.text());
            undo.push(text::close);
            UNet unet = UNet.load(backend, view, config.unet());
            undo.push(unet::close);
            AutoencoderKl vae =
                    AutoencoderKl.load(backend, view, config.vae(), AutoencoderKl.Parts.BOTH);
            undo.push(vae::close);
            WeightsHash hash = new WeightsHash(files.model());
            LoadedModel model =
                    new LoadedModel(
                            card,
                            config,
                            ArchitectureShapes.of(view),
                            textStage(text, config),
                            unet,
                            vae,
                            hash);
            undo.clear();
            return model;
        } finally {
            undo.forEach(Runnable::run);
        }
    }

    private TextStage textStage(ClipTextModel text, ModelConfig config) throws IOException {
        List<Caption> captions = files.captions();
        return new TextStage(
                files.tokenizer(config.text().maxLength()),
                text,
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
