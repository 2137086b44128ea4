package dev.instaflow.train.recipe;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.model.ModelCard;
import dev.instaflow.train.data.EmojiRow;
import dev.instaflow.train.data.LatentEncoder;
import dev.instaflow.train.evaluate.Conditioning;
import dev.instaflow.train.evaluate.Painter;
import dev.instaflow.train.lora.AdapterSettings;
import dev.instaflow.train.objective.Loss;
import dev.instaflow.train.run.Trainer;
import dev.instaflow.train.run.TrainingModel;
import dev.instaflow.train.run.TrainingSettings;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Trains UNet and text encoder, or adapters beside them, on pictures, pairs or both. */
final class NetworkTask implements PartTask {
    @Override
    public void check(Section settings) throws IOException {
        StepChoices.check(settings);
        LossChoice.check(settings.at("losses"));
    }

    @Override
    public Map<String, Path> inputs(Context context) throws IOException {
        boolean fresh = context.settings().at("model").given("start").isEmpty();
        return context.input("model", fresh ? "autoencoder" : "start");
    }

    @Override
    public Outcome run(Context context) throws IOException {
        Section settings = context.settings();
        StartModel start = context.models().start(settings.at("model"));
        long seed = settings.whole("seed");
        try (TrainingBackend backend = Backends.openForTraining(settings);
                CompVisView view = start.open();
                AutoencoderKl vae = vae(backend, view, start, AutoencoderKl.Parts.BOTH);
                LossChoice loss =
                        LossChoice.of(
                                settings.at("losses"), backend, vae, start.card().latentScale());
                PictureRows rows = PictureRows.open(settings.at("data"), context.monitor());
                ShownData data = ShownData.open(context, rows, encoder(backend, vae, start));
                Checkpoint weights = start.weights(view, seed);
                TrainingModel networks = networks(backend, weights, start, settings)) {
            TrainingSettings training = training(settings, start.card(), loss.loss());
            Trainer trainer =
                    new Trainer(
                            networks,
                            training,
                            data.examples(),
                            start.tokenizer().encode("").ids(),
                            StepChoices.optimizer(settings.at("optimizer")).apply(backend));
            return train(context, start, new Parts(backend, view, vae, networks), rows, trainer);
        }
    }

    /** What a painter is put together from. */
    private record Parts(
            TrainingBackend backend, CompVisView view, AutoencoderKl vae, TrainingModel networks) {}

    private static AutoencoderKl vae(
            Backend backend, CompVisView view, StartModel start, AutoencoderKl.Parts parts)
            throws IOException {
        return AutoencoderKl.load(backend, view, start.config().vae(), parts);
    }

    private static LatentEncoder encoder(Backend backend, AutoencoderKl vae, StartModel start) {
        ModelCard card = start.card();
        return new LatentEncoder(
                backend, vae, card.latentScale(), card.image().color(), start.tokenizer());
    }

    private static TrainingModel networks(
            TrainingBackend backend, Checkpoint weights, StartModel start, Section settings)
            throws IOException {
        Optional<AdapterSettings> lora =
                StepChoices.lora(settings.at("lora"), settings.whole("seed"));
        return lora.isPresent()
                ? TrainingModel.withAdapters(backend, weights, start.config(), lora.get())
                : TrainingModel.load(
                        backend, weights, start.config(), StepChoices.trained(settings, "trained"));
    }

    private static TrainingSettings training(Section settings, ModelCard card, Loss loss)
            throws IOException {
        int steps = settings.count("steps", 1);
        TrainingSettings usual =
                TrainingSettings.of(
                        settings.whole("seed"),
                        settings.count("batch", 1),
                        StepChoices.objective(settings.at("objective"), card),
                        StepChoices.learningRate(settings.at("learningRate"), steps));
        return settings.build(
                () ->
                        usual.withPasses(settings.count("passes", 1))
                                .withLoss(loss)
                                .withClipNorm(settings.number("clipNorm"))
                                .withEmaDecay(settings.number("emaDecay"))
                                .withCaptions(StepChoices.captions(settings.at("captions")))
                                .withMemory(settings.choice("memory", StepChoices.MEMORY)));
    }

    private static Outcome train(
            Context context, StartModel start, Parts parts, PictureRows rows, Trainer trainer)
            throws IOException {
        Section settings = context.settings();
        Map<String, List<EmojiRow>> captions = rows.byCaption();
        ModelFolder model = new ModelFolder(start, settings.at("export"), captions);
        boolean lora = parts.networks.adapters().isPresent();
        List<Path> companions =
                lora ? List.of() : model.writeCompanions(context.folder().resolve("companions"));
        Backend wide = parts.backend.wideRange();
        try (AutoencoderKl decoder = vae(wide, parts.view, start, AutoencoderKl.Parts.DECODER)) {
            Painter painter =
                    new Painter(
                            parts.backend,
                            start.card(),
                            Conditioning.of(parts.networks, start.tokenizer()),
                            decoder);
            TrainingLoop loop =
                    new TrainingLoop(
                            trainer,
                            settings,
                            context.folder(),
                            companions,
                            ProgressPictures.of(settings.at("progress"), captions, painter),
                            context.monitor());
            Optional<Path> last = loop.run(context.changed());
            if (last.isEmpty()) {
                return Outcome.STOPPED;
            }
            Finished.write(
                    context, last.get(), model, lora ? Finished.Kind.LORA : Finished.Kind.MODEL);
            return Outcome.FINISHED;
        }
    }
}
