package dev.instaflow.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.model.TinyModel;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.sampler.TimeLabelRule;
import dev.instaflow.tensor.ChannelOrder;
import dev.instaflow.tensor.Npy;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import dev.instaflow.train.objective.Problem;
import dev.instaflow.train.objective.RectifiedFlow;
import dev.instaflow.train.objective.SquaredError;
import dev.instaflow.train.objective.TimeDistribution;
import dev.instaflow.train.optim.AdamW;
import dev.instaflow.train.optim.Ema;
import dev.instaflow.unet.UNet;
import dev.instaflow.unet.UNetConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Three steps of rectified flow by AdamW against PyTorch with CompVis' {@code UNetModel}: loss, gradients,
 * parameters and, where there are goldens of them, their averages.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class OracleTraining {
    private static final Path GOLDENS = Path.of("src/test/resources/gradients");

    /** Advised by those who made the goldens; what PyTorch itself is off F64 by is half of that. */
    private static final double PARAMETERS = 1e-6;

    private static final double SHARE_WITHIN = 0.99;
    private static final double LEARNING_RATE = 1e-4;

    /**
     * Torch's own losses are off F64 by up to 6e-7. The time embedding of labels near 1000 has one
     * frequency an ulp apart from the original's, which moves outputs by up to 1.7e-5 and the loss of
     * unet64's second batch by 4e-6, on every backend.
     */
    private static final double LOSS = 1e-5;

    /**
     * Gradients that PyTorch has off F64 by more than this are rounding noise: of what is constant over a
     * norm's group.
     */
    private static final double NOISE = 1e-3;

    /**
     * What is compared.
     *
     * @param gradients advised relative L2 error of a gradient
     * @param averages how many goldens of averages there are
     */
    record Case(
            String name,
            Path weights,
            UNetConfig config,
            double gradients,
            int averages,
            Tape.Memory memory,
            Supplier<TrainingBackend> backend) {
        @Override
        public String toString() {
            return name + ", " + memory;
        }

        Path file(String file) {
            return GOLDENS.resolve(name).resolve(file + ".npy");
        }
    }

    /** What is trained, on what. */
    abstract Stream<Case> cases();

    static Case unet64(Tape.Memory memory, Supplier<TrainingBackend> backend) {
        return new Case(
                "unet64", TinyModel.UNET64_FILE, TinyModel.UNET64, 5e-5, 20, memory, backend);
    }

    static Case tiny(Tape.Memory memory, Supplier<TrainingBackend> backend) {
        return new Case("tiny", TinyModel.FILE, TinyModel.UNET, 2e-4, 0, memory, backend);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void threeStepsAreThoseOfPyTorch(Case test) throws IOException {
        JsonNode expected =
                new ObjectMapper()
                        .readTree(GOLDENS.resolve(test.name).resolve("grads.json").toFile());
        try (TrainingBackend backend = test.backend.get();
                Checkpoint checkpoint = Checkpoint.open(test.weights);
                UNet unet = UNet.load(backend, checkpoint, test.config)) {
            Parameters parameters = new Parameters(backend);
            parameters.add(
                    ModelPart.UNET, unet.weights(), UNet.parameters(test.config), key -> true);
            AdamW adamW = new AdamW(AdamW.Settings.TORCH);
            Ema ema = new Ema(0.9999, parameters.list());
            for (int step = 0; step < 3; step++) {
                parameters.clearGradients();
                double loss = backward(test, backend, unet, parameters, step);
                assertEquals(expected.path("loss").path(step).asDouble(), loss, LOSS);
                if (step == 0) {
                    checkGradients(test, parameters, expected);
                }
                adamW.step(parameters.list(), LEARNING_RATE);
                parameters.upload();
                ema.update(parameters.list());
                if (step != 1) {
                    int known = checkParameters(test, "step" + (step + 1), parameters.list());
                    assertEquals(expected.path("chosen").size(), known);
                }
            }
            assertEquals(test.averages, checkAverages(test, ema));
        }
    }

    private static double backward(
            Case test, TrainingBackend backend, UNet unet, Parameters parameters, int step)
            throws IOException {
        String batch = "batch" + step + ".";
        Npy x1 = Npy.read(test.file(batch + "x1"));
        float[] data = ChannelOrder.toChannelsLast(x1.shape(), x1.floats());
        float[] noise =
                ChannelOrder.toChannelsLast(x1.shape(), Npy.read(test.file(batch + "x0")).floats());
        float[] tau = Npy.read(test.file(batch + "tau")).floats();
        double[] times = new double[tau.length];
        for (int i = 0; i < tau.length; i++) {
            times[i] = tau[i];
        }
        Problem problem =
                new RectifiedFlow(TimeLabelRule.INSTAFLOW, TimeDistribution.uniform())
                        .problem(times, data, noise);
        Npy context = Npy.read(test.file(batch + "context"));
        try (Tape tape = new Tape(backend, test.memory)) {
            Shape shape = ChannelOrder.channelsLast(x1.shape());
            Tensor z = tape.tensor("z", shape, problem.state());
            Tensor text = tape.tensor("context", context.shape(), context.floats());
            tape.watch(parameters.tensors());
            tape.watch(List.of(z, text));
            Tensor v = unet.forward(tape, z, problem.labels(), text, BlockMonitor.NONE);
            SquaredError loss = SquaredError.of(tape, v, problem.target());
            tape.backward(List.of(new Seed(v, loss.gradient())));
            parameters.addGradients(tape, 1);
            if (step == 0) {
                checkInputs(test, tape, z, text);
            }
            return loss.value();
        }
    }

    private static void checkInputs(Case test, Tape tape, Tensor z, Tensor text)
            throws IOException {
        Npy input = Npy.read(test.file("grad.input"));
        float[] expected = ChannelOrder.toChannelsLast(input.shape(), input.floats());
        checkRelative("input", tape.toArray(tape.gradient(z).orElseThrow()), expected, test);
        checkRelative(
                "context",
                tape.toArray(tape.gradient(text).orElseThrow()),
                Npy.read(test.file("grad.context")).floats(),
                test);
    }

    private static double checkRelative(String what, float[] actual, float[] expected, Case test) {
        assertEquals(expected.length, actual.length, what);
        double distance = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            distance += Math.pow((double) actual[i] - expected[i], 2);
            size += Math.pow(expected[i], 2);
        }
        double error = Math.sqrt(distance / size);
        assertTrue(error <= test.gradients, what + ": relative error " + error);
        return error;
    }

    private static void checkGradients(Case test, Parameters parameters, JsonNode expected)
            throws IOException {
        int known = 0;
        double worst = 0;
        for (Parameter parameter : parameters.list()) {
            String key = parameter.name().substring(ModelPart.UNET.compVisPrefix().length());
            Path golden = test.file("grad." + key);
            if (Files.exists(golden)) {
                float[] values = Npy.read(golden).floats();
                worst = Math.max(worst, checkRelative(key, parameter.gradient(), values, test));
                known++;
            }
            JsonNode summary = expected.path("all_gradients").path(key);
            if (summary.path("rel_err_f32").asDouble() <= NOISE) {
                double norm = 0;
                for (float value : parameter.gradient()) {
                    norm += (double) value * value;
                }
                double l2 = summary.path("l2_f64").asDouble();
                assertEquals(l2, Math.sqrt(norm), l2 * test.gradients, key);
            }
        }
        assertEquals(expected.path("chosen").size(), known);
        assertEquals(expected.path("all_gradients").size(), parameters.list().size());
        System.out.printf("gradients of %s: worst relative error %.2g%n", test, worst);
    }

    /** How many had a golden. */
    private static int checkParameters(Case test, String prefix, List<Parameter> parameters)
            throws IOException {
        int known = 0;
        for (Parameter parameter : parameters) {
            String key = parameter.name().substring(ModelPart.UNET.compVisPrefix().length());
            Path golden = test.file(prefix + "." + key);
            if (Files.exists(golden)) {
                checkMost(prefix + "." + key, parameter.values(), Npy.read(golden).floats());
                known++;
            }
        }
        return known;
    }

    /** How many had a golden. */
    private static int checkAverages(Case test, Ema ema) throws IOException {
        int known = 0;
        for (var average : ema.averages().entrySet()) {
            String key = average.getKey().substring(ModelPart.UNET.compVisPrefix().length());
            Path golden = test.file("ema3." + key);
            if (Files.exists(golden)) {
                checkMost("ema3." + key, average.getValue(), Npy.read(golden).floats());
                known++;
            }
        }
        return known;
    }

    /** All but a hundredth within rounding, the rest within what a change of sign moves them by. */
    private static void checkMost(String what, float[] actual, float[] expected) {
        TensorAssert.close(what, actual, expected, 2 * LEARNING_RATE);
        int within = 0;
        for (int i = 0; i < expected.length; i++) {
            within += Math.abs(actual[i] - expected[i]) <= PARAMETERS ? 1 : 0;
        }
        assertTrue(within >= SHARE_WITHIN * expected.length, what + ": " + within + " within");
    }
}
