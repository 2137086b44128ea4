package dev.instaflow.train.recipe;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.image.ColorFormat;
import dev.instaflow.image.Pixels;
import dev.instaflow.train.TrainableSet;
import dev.instaflow.train.data.EmojiDataset;
import dev.instaflow.train.data.EmojiRow;
import dev.instaflow.train.run.StepSettings;
import dev.instaflow.train.run.Trainer;
import dev.instaflow.train.vae.AutoencoderLearner;
import dev.instaflow.train.vae.AutoencoderLoss;
import dev.instaflow.train.vae.AutoencoderSettings;
import dev.instaflow.train.vae.PictureData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Trains the autoencoder of a model, whole or its decoder alone. The other networks are carried along. */
final class AutoencoderTask implements PartTask {
    @Override
    public void check(Section settings) throws IOException {
        StepChoices.check(settings);
        settings.at("autoencoder").build(() -> passes(settings));
    }

    @Override
    public Map<String, Path> inputs(Context context) throws IOException {
        return context.input("model", "start");
    }

    @Override
    public Outcome run(Context context) throws IOException {
        Section settings = context.settings();
        StartModel start = context.models().start(settings.at("model"));
        AutoencoderSettings passes = settings.at("autoencoder").build(() -> passes(settings));
        StepSettings steps = settings.build(() -> steps(settings));
        try (TrainingBackend backend = Backends.openForTraining(settings);
                CompVisView view = start.open();
                PictureRows rows = PictureRows.open(settings.at("data"), context.monitor());
                AutoencoderLearner learner =
                        AutoencoderLearner.load(
                                backend,
                                view,
                                start.config().vae(),
                                trained(settings),
                                passes,
                                pictures(settings, rows, start.card().image().color()))) {
            ModelFolder model = new ModelFolder(start, settings.at("export"), Map.of());
            TrainingLoop loop =
                    new TrainingLoop(
                            new Trainer(
                                    learner,
                                    steps,
                                    StepChoices.optimizer(settings.at("optimizer")).apply(backend)),
                            settings,
                            context.folder(),
                            model.writeCompanions(context.folder().resolve("companions")),
                            Optional.empty(),
                            context.monitor());
            Optional<Path> last = loop.run(context.changed());
            if (last.isEmpty()) {
                return Outcome.STOPPED;
            }
            Finished.write(context, last.get(), model, Finished.Kind.MODEL);
            return Outcome.FINISHED;
        }
    }

    private static AutoencoderSettings passes(Section settings) {
        Section weights = settings.at("autoencoder");
        return new AutoencoderSettings(
                settings.whole("seed"),
                settings.count("batch", 1),
                new AutoencoderLoss(
                        weights.number("absolute"),
                        weights.number("edges"),
                        weights.number("chroma"),
                        weights.number("divergence")));
    }

    private static StepSettings steps(Section settings) {
        return new StepSettings(
                settings.whole("seed"),
                settings.count("passes", 1),
                StepChoices.learningRate(settings.at("learningRate"), settings.count("steps", 1)),
                settings.number("clipNorm"),
                settings.number("emaDecay"));
    }

    /** The default of the key means all of what is trained here. */
    private static TrainableSet trained(Section settings) {
        TrainableSet named = StepChoices.trained(settings, "trained");
        return named.equals(TrainableSet.FULL) ? TrainableSet.VAE : named;
    }

    private static PictureData pictures(Section settings, PictureRows rows, ColorFormat color)
            throws IOException {
        List<Pixels> pictures = new ArrayList<>();
        for (EmojiRow row : rows.all()) {
            pictures.add(EmojiDataset.pixels(row));
        }
        return settings.at("data").build(() -> new PictureData(color, pictures));
    }
}
