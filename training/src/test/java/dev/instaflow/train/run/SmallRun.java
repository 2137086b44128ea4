package dev.instaflow.train.run;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.sampler.TimeLabelRule;
import dev.instaflow.tensor.Shape;
import dev.instaflow.train.TrainableSet;
import dev.instaflow.train.data.LatentData;
import dev.instaflow.train.data.MixedData;
import dev.instaflow.train.data.TrainingData;
import dev.instaflow.train.objective.RectifiedFlow;
import dev.instaflow.train.objective.TimeDistribution;
import dev.instaflow.train.optim.AdamW;
import dev.instaflow.train.optim.LearningRate;
import dev.instaflow.train.optim.Muon;
import dev.instaflow.train.optim.Optimizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** A run of the bundled model on random latents; also the program that the kill test starts. */
final class SmallRun implements AutoCloseable {
    private static final int[] EMPTY = ids(1);
    private static final int EXAMPLES = 7;
    private static final Function<TrainingBackend, Optimizer> ADAMW =
            backend -> new AdamW(AdamW.Settings.TORCH);

    private final CompVisView source;
    private final TrainingBackend backend;
    private final TrainingModel model;
    final Trainer trainer;

    private SmallRun(
            Path models,
            UnaryOperator<TrainingSettings> changed,
            TrainingData data,
            Function<TrainingBackend, Optimizer> optimizer)
            throws IOException {
        source = CompVisView.open(BundledEmoji.copy("model.ckpt", models), WeightSet.PLAIN);
        backend = CpuBackend.open(CpuSettings.TRAINING);
        model = TrainingModel.load(backend, source, BundledEmoji.config(models), TrainableSet.FULL);
        TrainingSettings settings =
                TrainingSettings.of(
                                42,
                                4,
                                new RectifiedFlow(
                                        TimeLabelRule.INSTAFLOW,
                                        TimeDistribution.logitNormal(0, 1)),
                                LearningRate.constant(1e-3).warmedUpOver(3))
                        .withCaptions(new CaptionChoice(0.7, 0.2));
        trainer =
                new Trainer(model, changed.apply(settings), data, EMPTY, optimizer.apply(backend));
    }

    static SmallRun open(Path models, int passes) throws IOException {
        return open(models, settings -> settings.withPasses(passes));
    }

    static SmallRun open(Path models, UnaryOperator<TrainingSettings> changed) throws IOException {
        return new SmallRun(models, changed, data(), ADAMW);
    }

    static SmallRun withHalfTheData(Path models) throws IOException {
        LatentData half = new LatentData(data().sample(), data().examples().subList(0, 4));
        return new SmallRun(models, settings -> settings, half, ADAMW);
    }

    /** Reflow on pairs mixed with data, and Muon. */
    static SmallRun withPairsAndMuon(Path models) throws IOException {
        List<LatentData.Example> pairs = new ArrayList<>();
        for (LatentData.Example example : data().examples()) {
            Optional<float[]> noise = Optional.of(example.latent());
            pairs.add(new LatentData.Example(example.latent(), noise, example.captions()));
        }
        return new SmallRun(
                models,
                settings -> settings,
                new MixedData(new LatentData(data().sample(), pairs), data(), 0.6),
                backend -> new Muon(Muon.Settings.USUAL, backend));
    }

    private static int[] ids(int word) {
        int[] ids = new int[24];
        ids[0] = 2;
        ids[1] = word;
        return ids;
    }

    private static LatentData data() {
        Shape sample = Shape.of(8, 8, 16);
        Random random = new Random(3);
        List<LatentData.Example> examples = new ArrayList<>();
        for (int i = 0; i < EXAMPLES; i++) {
            float[] latent = new float[(int) sample.count()];
            for (int k = 0; k < latent.length; k++) {
                latent[k] = (float) random.nextGaussian();
            }
            List<int[]> captions = List.of(ids(100 + i), ids(200 + i), ids(300));
            examples.add(new LatentData.Example(latent, Optional.empty(), captions));
        }
        return new LatentData(sample, examples);
    }

    /** Trains, writing a checkpoint after each step, until it is killed: {@code models run last}. */
    public static void main(String[] args) throws IOException {
        Checkpoints checkpoints = new Checkpoints(Path.of(args[1]), 2, List.of());
        try (SmallRun run = open(Path.of(args[0]), 1)) {
            checkpoints.restore(run.trainer);
            while (run.trainer.steps() < Long.parseLong(args[2])) {
                run.trainer.step();
                checkpoints.save(run.trainer);
            }
        }
    }

    @Override
    public void close() throws IOException {
        model.close();
        backend.close();
        source.close();
    }
}
