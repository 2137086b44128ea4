package dev.instaflow.train.vae;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.storage.HeapCheckpoint;
import dev.instaflow.checkpoint.storage.HeapEntry;
import dev.instaflow.image.ColorFormat;
import dev.instaflow.image.Pixels;
import dev.instaflow.train.Parameter;
import dev.instaflow.train.TrainableSet;
import dev.instaflow.train.optim.AdamW;
import dev.instaflow.train.optim.LearningRate;
import dev.instaflow.train.run.Checkpoints;
import dev.instaflow.train.run.StepSettings;
import dev.instaflow.train.run.Trainer;
import dev.instaflow.vae.AutoencoderKl;
import dev.instaflow.vae.VaeConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A small autoencoder on a few pictures with alpha. */
class AutoencoderLearnerTest {
    private static final AutoencoderLoss LOSS = new AutoencoderLoss(1, 0.5, 0.25, 0.1);
    private static final VaeConfig CONFIG = new VaeConfig(4, List.of(1, 2), 1, 2, 2, 4, 4, 2, 4);

    @TempDir Path folder;

    private static Checkpoint checkpoint() {
        Random random = new Random(1);
        List<Entry> entries = new ArrayList<>();
        AutoencoderKl.parameters(CONFIG)
                .forEach(
                        (key, shape) -> {
                            float[] values = new float[(int) shape.count()];
                            double bound = Math.sqrt((double) shape.size(0) / values.length);
                            for (int i = 0; i < values.length; i++) {
                                values[i] = (float) (bound * random.nextGaussian());
                            }
                            entries.add(
                                    HeapEntry.ofFloats(
                                            ModelPart.VAE.compVisPrefix() + key,
                                            shape.sizes(),
                                            values));
                        });
        return HeapCheckpoint.of(entries, Map.of());
    }

    /** Discs of some colour on nothing. */
    private static PictureData pictures(int count) {
        List<Pixels> all = new ArrayList<>();
        Random random = new Random(2);
        for (int k = 0; k < count; k++) {
            byte[] bytes = new byte[8 * 8 * 4];
            byte[] colour = new byte[3];
            random.nextBytes(colour);
            for (int i = 0; i < 64; i++) {
                int dx = i % 8 - 3;
                int dy = i / 8 - 4;
                if (dx * dx + dy * dy < 6 + k) {
                    System.arraycopy(colour, 0, bytes, 4 * i, 3);
                    bytes[4 * i + 3] = (byte) 255;
                }
            }
            all.add(Pixels.of(8, 8, bytes));
        }
        return new PictureData(ColorFormat.RGBA_PREMULTIPLIED, all);
    }

    private static AutoencoderLearner learner(TrainingBackend backend, TrainableSet trained)
            throws IOException {
        return AutoencoderLearner.load(
                backend,
                checkpoint(),
                CONFIG,
                trained,
                new AutoencoderSettings(3, 2, LOSS),
                pictures(5));
    }

    /**
     * Along the gradient of each weight a small step changes the loss by the step times the gradient's norm.
     * The loss is piecewise linear in the picture, and a step of 1e-3 lets some pieces change: 1 % of the
     * largest gradient.
     */
    @Test
    void gradientsAreThoseOfDifferences() throws IOException {
        double step = 1e-3;
        try (ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F64);
                AutoencoderLearner learner = learner(backend, TrainableSet.VAE)) {
            learner.parameters().clearGradients();
            learner.pass(4, 1);
            Map<Parameter, float[]> gradients = new LinkedHashMap<>();
            double largest = 0;
            for (Parameter parameter : learner.parameters().list()) {
                gradients.put(parameter, parameter.gradient().clone());
                largest = Math.max(largest, norm(parameter.gradient()));
            }
            int checked = 0;
            for (Map.Entry<Parameter, float[]> entry : gradients.entrySet()) {
                float[] gradient = entry.getValue();
                double norm = norm(gradient);
                if (norm > 0.03 * largest) {
                    double above = moved(learner, entry.getKey(), gradient, step / norm);
                    double below = moved(learner, entry.getKey(), gradient, -step / norm);
                    double numeric = (above - below) / (2 * step);
                    assertEquals(numeric, norm, 0.01 * largest, entry.getKey().name());
                    checked++;
                }
            }
            assertTrue(checked > 30, "weights with a gradient: " + checked);
        }
    }

    private static double norm(float... values) {
        double squares = 0;
        for (float value : values) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares);
    }

    private static double moved(
            AutoencoderLearner learner, Parameter parameter, float[] way, double length) {
        double[] values = ReferenceBackend.values(parameter.tensor());
        double[] kept = values.clone();
        for (int i = 0; i < values.length; i++) {
            values[i] += length * way[i];
        }
        double loss = learner.pass(4, 1);
        System.arraycopy(kept, 0, values, 0, kept.length);
        return loss;
    }

    private static double loss(AutoencoderLearner learner) {
        double sum = 0;
        for (int pass = 0; pass < 10; pass++) {
            sum += learner.pass(1000 + pass, 1) / 10;
        }
        return sum;
    }

    private static Trainer trainer(AutoencoderLearner learner) {
        StepSettings steps = new StepSettings(3, 1, LearningRate.constant(3e-3), 1, 0.9);
        return new Trainer(learner, steps, new AdamW(AdamW.Settings.TORCH));
    }

    @Test
    void reconstructionsImprove() throws IOException {
        try (CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                AutoencoderLearner learner = learner(backend, TrainableSet.VAE)) {
            double before = loss(learner);
            Trainer trainer = trainer(learner);
            while (trainer.steps() < 150) {
                trainer.step();
            }
            double after = loss(learner);
            assertTrue(after < 0.5 * before, "loss from " + before + " to " + after);
        }
    }

    @Test
    void frozenEncoderStaysAndItsDecoderLearns() throws IOException {
        try (CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                AutoencoderLearner learner = learner(backend, TrainableSet.VAE_DECODER)) {
            for (Parameter parameter : learner.parameters().list()) {
                assertFalse(parameter.name().contains("encoder."), parameter.name());
            }
            double before = loss(learner);
            Trainer trainer = trainer(learner);
            while (trainer.steps() < 150) {
                trainer.step();
            }
            double after = loss(learner);
            assertTrue(after < 0.7 * before, "loss from " + before + " to " + after);
        }
    }

    private Path train(String name, int steps) throws IOException {
        Checkpoints checkpoints = new Checkpoints(folder.resolve(name), 1, List.of());
        try (CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                AutoencoderLearner learner = learner(backend, TrainableSet.VAE)) {
            Trainer trainer = trainer(learner);
            checkpoints.restore(trainer);
            while (trainer.steps() < steps) {
                trainer.step();
            }
            return checkpoints.save(trainer);
        }
    }

    @Test
    void stoppedRunGoesOnToTheSameBits() throws IOException {
        train("stopped", 2);
        Path resumed = train("stopped", 6);
        Path straight = train("straight", 6);
        for (String file : List.of("model.ckpt", "ema.ckpt", "training.ckpt")) {
            assertArrayEquals(
                    Files.readAllBytes(straight.resolve(file)),
                    Files.readAllBytes(resumed.resolve(file)),
                    file);
        }
    }
}
