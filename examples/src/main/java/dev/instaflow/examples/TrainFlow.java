package dev.instaflow.examples;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelCardReader;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.tokenizer.ClipTokenizer;
import dev.instaflow.tokenizer.TokenizerSettings;
import dev.instaflow.train.TrainableSet;
import dev.instaflow.train.data.DatasetOptions;
import dev.instaflow.train.data.EmojiDataset;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.data.LatentCache;
import dev.instaflow.train.data.LatentData;
import dev.instaflow.train.data.LatentEncoder;
import dev.instaflow.train.objective.RectifiedFlow;
import dev.instaflow.train.objective.TimeDistribution;
import dev.instaflow.train.optim.AdamW;
import dev.instaflow.train.optim.LearningRate;
import dev.instaflow.train.run.CaptionChoice;
import dev.instaflow.train.run.Checkpoints;
import dev.instaflow.train.run.FreshWeights;
import dev.instaflow.train.run.StepReport;
import dev.instaflow.train.run.Trainer;
import dev.instaflow.train.run.TrainingModel;
import dev.instaflow.train.run.TrainingSettings;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Trains a rectified flow from scratch on a collection of pictures, around the autoencoder of a model that
 * exists: {@code TrainFlow dataset model.ckpt run-folder steps}. The model's {@code card.json}, {@code
 * vocab.json} and {@code merges.txt} lie beside it; {@code training/datasets} is the place for collections. May be killed and started again at any time.
 */
public final class TrainFlow {
    private static final long SEED = 1;
    private static final int BATCH = 32;
    private static final int CHECKPOINT_EVERY = 250;

    private TrainFlow() {}

    /**
     * Runs the example.
     *
     * @param args dataset, model, run folder, number of the last step
     * @throws IOException if a file cannot be read or written
     */
    public static void main(String[] args) throws IOException {
        Path model = Path.of(args[1]).toAbsolutePath();
        Path folder = model.getParent();
        Path cardFile = folder.resolve("card.json");
        long last = Long.parseLong(args[3]);
        JsonNode root = new ObjectMapper().readTree(cardFile.toFile());
        ModelConfig config = ModelConfig.ofCard(cardFile.toString(), root);
        ModelCard card = ModelCardReader.read(cardFile.toString(), root);
        try (CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                Checkpoint trained = CompVisView.open(model, WeightSet.PLAIN);
                Checkpoint fresh = FreshWeights.of(config, trained, SEED);
                AutoencoderKl vae =
                        AutoencoderKl.load(
                                backend, trained, config.vae(), AutoencoderKl.Parts.BOTH);
                TrainingModel networks =
                        TrainingModel.load(backend, fresh, config, TrainableSet.FULL)) {
            ClipTokenizer tokenizer =
                    ClipTokenizer.load(
                            folder,
                            TokenizerSettings.tinyEmoji().withMaxLength(config.text().maxLength()));
            LatentEncoder encoder =
                    new LatentEncoder(
                            backend, vae, card.latentScale(), card.image().color(), tokenizer);
            Trainer trainer =
                    new Trainer(
                            networks,
                            settings(card, last),
                            read(Path.of(args[0]), encoder, Path.of(args[2])),
                            encoder.ids(""),
                            new AdamW(new AdamW.Settings(0.9, 0.99, 1e-8, 0.01)));
            Checkpoints checkpoints = new Checkpoints(Path.of(args[2]), 2, companions(folder));
            checkpoints
                    .restore(trainer)
                    .ifPresent(from -> System.out.println("continuing from " + from));
            train(trainer, checkpoints, last);
        }
    }

    /** What the library looks for beside a model, as far as it is there. */
    private static List<Path> companions(Path folder) {
        return Stream.of("card.json", "vocab.json", "merges.txt", "captions.json")
                .map(folder::resolve)
                .filter(Files::isRegularFile)
                .toList();
    }

    private static TrainingSettings settings(ModelCard card, long last) {
        TimeDistribution times =
                TimeDistribution.at(0).mixedWith(0.5, TimeDistribution.logitNormal(0, 1));
        return TrainingSettings.of(
                        SEED,
                        BATCH,
                        new RectifiedFlow(card.traits().timeLabelRule(), times),
                        LearningRate.constant(2e-3)
                                .warmedUpOver(100)
                                .fallingLinearly(last * 4 / 10, last))
                .withEmaDecay(0.998)
                .withCaptions(new CaptionChoice(0.85, 0.1));
    }

    private static LatentData read(Path place, LatentEncoder encoder, Path run) throws IOException {
        try (EmojiDataset dataset = EmojiDataset.open(place, DatasetOptions.DEFAULT)) {
            dataset.problems().forEach(problem -> System.out.println(problem));
            return new LatentCache(run.resolve("latents"))
                    .encode(encoder, dataset.rows(Split.TRAIN));
        }
    }

    private static void train(Trainer trainer, Checkpoints checkpoints, long last)
            throws IOException {
        double loss = 0;
        for (long step = trainer.steps() + 1; step <= last; step++) {
            StepReport report = trainer.step();
            loss = loss == 0 ? report.loss() : 0.98 * loss + 0.02 * report.loss();
            if (step % 50 == 0) {
                System.out.printf(
                        "step %d of %d: loss %.4f, gradient norm %.3f%n",
                        step, last, loss, report.gradientNorm());
            }
            if (step % CHECKPOINT_EVERY == 0 || step == last) {
                checkpoints.save(trainer);
            }
        }
    }
}
