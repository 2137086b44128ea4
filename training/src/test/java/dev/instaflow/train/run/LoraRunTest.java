package dev.instaflow.train.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.checkpoint.lora.LoraFile;
import dev.instaflow.checkpoint.lora.LoraFormat;
import dev.instaflow.checkpoint.lora.LoraTargets;
import dev.instaflow.checkpoint.lora.LoraView;
import dev.instaflow.checkpoint.lora.LoraWriter;
import dev.instaflow.checkpoint.lora.UnknownKeys;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.sampler.TimeLabelRule;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import dev.instaflow.train.CountedGradients;
import dev.instaflow.train.Parameter;
import dev.instaflow.train.Seed;
import dev.instaflow.train.Tape;
import dev.instaflow.train.TrainableSet;
import dev.instaflow.train.data.LatentData;
import dev.instaflow.train.lora.AdapterSettings;
import dev.instaflow.train.lora.Adapters;
import dev.instaflow.train.objective.RectifiedFlow;
import dev.instaflow.train.objective.TimeDistribution;
import dev.instaflow.train.optim.AdamW;
import dev.instaflow.train.optim.LearningRate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Adapters beside the weights of the bundled model. */
class LoraRunTest {
    /** Two orders of summing about 200 products of outputs around 1, through some ten layers. */
    private static final double SUMMING = 2e-5;

    /** Matrices and kernels of all kinds: 3x3, with stride, 1x1, to the text, of the text. */
    private static final TrainableSet TARGETS =
            TrainableSet.matching(
                    "some of each",
                    Pattern.compile(
                            "attn|in_layers\\.2|out_layers\\.3|\\.op\\.|proj_in|skip|emb_layers|mlp"
                                    + "|\\.ff\\.|\\.conv\\."));

    private static final Shape STATE = Shape.of(2, 8, 8, 16);

    @TempDir Path folder;

    private static CompVisView source(Path folder) throws IOException {
        return CompVisView.open(BundledEmoji.copy("model.ckpt", folder), WeightSet.PLAIN);
    }

    private static float[] normals(long count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static float[] answer(TrainingBackend backend, TrainingModel model) {
        try (Scope scope = backend.openScope("answer")) {
            return scope.ops().toArray(predict(scope.ops(), model));
        }
    }

    private static Tensor predict(Ops ops, TrainingModel model) {
        Tensor state = ops.tensor("state", STATE, normals(STATE.count(), 1));
        return model.predict(ops, state, new float[] {900, 100}, new int[2][24]);
    }

    @Test
    void adaptersAnswerAsTheModelTheyAreAddedTo() throws IOException {
        ModelConfig config = BundledEmoji.config(folder);
        AdapterSettings settings = new AdapterSettings(3, 1.5, TARGETS, 5);
        Path file = folder.resolve("lora.safetensors");
        try (CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                CompVisView source = source(folder)) {
            float[] before;
            float[] adapted;
            try (TrainingModel plain =
                            TrainingModel.load(backend, source, config, TrainableSet.TEXT);
                    TrainingModel model =
                            TrainingModel.withAdapters(backend, source, config, settings)) {
                before = answer(backend, plain);
                assertArrayEquals(before, answer(backend, model), "at its start");
                for (Parameter parameter : model.parameters().list()) {
                    float[] values = normals(parameter.values().length, parameter.name().length());
                    for (int i = 0; i < values.length; i++) {
                        parameter.values()[i] = 0.03f * values[i];
                    }
                }
                model.parameters().upload();
                adapted = answer(backend, model);
                Adapters adapters = model.adapters().orElseThrow();
                LoraWriter.write(
                        file,
                        LoraFormat.DIFFUSERS,
                        adapters.modules(Parameter::values),
                        adapters.targets(),
                        Map.of());
            }
            LoraFile lora = LoraFile.open(file, LoraTargets.of(source), UnknownKeys.REFUSE);
            try (LoraView merged = LoraView.of(source, lora, 1);
                    TrainingModel model =
                            TrainingModel.load(backend, merged, config, TrainableSet.TEXT)) {
                float[] expected = answer(backend, model);
                TensorAssert.close("answer", adapted, expected, SUMMING);
                double change = 0;
                for (int i = 0; i < expected.length; i++) {
                    change = Math.max(change, Math.abs(expected[i] - before[i]));
                }
                assertTrue(change > 0.05, "the LoRA changes the answer by " + change);
            }
        }
    }

    @Test
    void noGradientOfAWholeWeightIsComputed() throws IOException {
        Map<String, Integer> calls = new TreeMap<>();
        try (CpuBackend cpu = CpuBackend.open(CpuSettings.TRAINING);
                CompVisView source = source(folder);
                TrainingModel model =
                        TrainingModel.withAdapters(
                                CountedGradients.of(cpu, calls),
                                source,
                                BundledEmoji.config(folder),
                                new AdapterSettings(2, 2, AdapterSettings.ATTENTION, 0));
                Tape tape = new Tape(model.backend(), Tape.Memory.RECOMPUTE)) {
            tape.watch(model.parameters().tensors());
            Tensor y = predict(tape, model);
            tape.backward(List.of(new Seed(y, y)));
            int adapters = model.parameters().list().size() / 2;
            for (Parameter parameter : model.parameters().list()) {
                assertTrue(tape.gradient(parameter.tensor()).isPresent(), parameter.name());
            }
            assertEquals(2 * adapters, calls.get("linearWeight"));
            assertEquals(null, calls.get("conv2dWeight"));
            assertEquals(null, calls.get("channelSums"));
        }
    }

    private static LatentData data() {
        LatentData.Example example =
                new LatentData.Example(
                        normals(1024, 2), Optional.empty(), List.of(new int[24], new int[24]));
        return new LatentData(Shape.of(8, 8, 16), List.of(example, example, example));
    }

    private Path train(String name, int stopAfter, int steps) throws IOException {
        Checkpoints checkpoints = new Checkpoints(folder.resolve(name), 1, List.of());
        try (CpuBackend backend = CpuBackend.open(CpuSettings.TRAINING);
                CompVisView source = source(folder);
                TrainingModel model =
                        TrainingModel.withAdapters(
                                backend,
                                source,
                                BundledEmoji.config(folder),
                                new AdapterSettings(2, 1, AdapterSettings.TRANSFORMERS, 7))) {
            TrainingSettings settings =
                    TrainingSettings.of(
                            9,
                            2,
                            new RectifiedFlow(TimeLabelRule.INSTAFLOW, TimeDistribution.uniform()),
                            LearningRate.constant(1e-3));
            Trainer trainer =
                    new Trainer(
                            model, settings, data(), new int[24], new AdamW(AdamW.Settings.TORCH));
            checkpoints.restore(trainer);
            while (trainer.steps() < Math.min(stopAfter, steps)) {
                trainer.step();
            }
            return checkpoints.save(trainer);
        }
    }

    @Test
    void checkpointsAreLorasFromWhichARunGoesOnToTheSameBits() throws IOException {
        train("stopped", 2, 5);
        Path resumed = train("stopped", 5, 5);
        Path straight = train("straight", 5, 5);
        for (String file : List.of("model.ckpt", "ema.ckpt", "training.ckpt")) {
            assertArrayEquals(
                    Files.readAllBytes(straight.resolve(file)),
                    Files.readAllBytes(resumed.resolve(file)),
                    file);
        }
        try (CompVisView source = source(folder);
                LoraFile lora =
                        LoraFile.open(
                                straight.resolve("model.ckpt"),
                                LoraTargets.of(source),
                                UnknownKeys.REFUSE);
                Checkpoint raw = Checkpoint.open(straight.resolve("model.ckpt"))) {
            assertEquals(0.5, lora.modules().get(0).scale());
            assertEquals(3 * lora.modules().size(), raw.entries().size());
        }
    }
}
