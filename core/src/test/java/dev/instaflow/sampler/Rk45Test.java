package dev.instaflow.sampler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.model.GoldenCase;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Rk45Test {
    // States, labels and coefficients are float32 here and double in scipy; the problem's paths
    // drift
    // apart by up to e^3, from 2^-23 to 2.4e-6, at each of several steps.
    private static final double ROUNDING = 1e-5;

    private static final int IMAGES = 3;

    private static final StepNoise NO_NOISE =
            (ops, shape) -> {
                throw new AssertionError("rk45 adds no noise");
            };

    private final ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F32);

    @AfterEach
    void closesWithoutLeaks() {
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-3, 1e-4, 1e-5})
    void imagesOfABatchTakeTheStepsThatScipyTakesForEachAlone(double tolerance) throws IOException {
        List<JsonNode> cases = new ArrayList<>();
        new ObjectMapper()
                .readTree(GoldenCase.FOLDER.resolve("rk45/scipy.json").toFile())
                .get("cases")
                .forEach(
                        node -> {
                            if (node.get("tolerance").doubleValue() == tolerance) {
                                cases.add(node);
                            }
                        });
        assertEquals(IMAGES, cases.size());
        try (Scope scope = backend.openScope("rk45")) {
            Ops ops = scope.ops();
            Tensor starts = ops.tensor("starts", Shape.of(IMAGES, 1, 3, 4), joined(cases, "start"));
            SamplingResult result =
                    sampler(tolerance)
                            .sample(
                                    ops,
                                    Rk45Test::slope,
                                    SamplingRequest.fromNoise(starts, NO_NOISE));
            TensorAssert.close(
                    "end at " + tolerance,
                    ops.toArray(result.latents()),
                    joined(cases, "end"),
                    ROUNDING);
            assertEquals(
                    cases.stream().map(node -> node.get("evaluations").intValue()).toList(),
                    result.evaluations());
        }
    }

    /** The problem that scipy was given: {@code y' = sin(7t) y - y^3/4 + cos(3y)}. */
    private static Tensor slope(Ops ops, Tensor y, float[] labels) {
        float[] values = ops.toArray(y);
        int perImage = values.length / labels.length;
        for (int i = 0; i < values.length; i++) {
            double t = 1 - labels[i / perImage] / 1000.0;
            double v = values[i];
            values[i] = (float) (Math.sin(7 * t) * v - v * v * v / 4 + Math.cos(3 * v));
        }
        return ops.tensor("slope", y.shape(), values);
    }

    @Test
    void theEndIsThatOfTheExactPathWithinTheTolerance() {
        GaussianData data = new GaussianData(0.7, 0.5);
        try (Scope scope = backend.openScope("rk45")) {
            Ops ops = scope.ops();
            Tensor noise = GaussianData.noise(ops, 2);
            float[] exact = ops.toArray(noise);
            for (int i = 0; i < exact.length; i++) {
                exact[i] =
                        (float)
                                data.path(NoiseLevel.flow(0), NoiseLevel.CLEAN)
                                        .applyAsDouble(exact[i]);
            }
            int[] calls = {0};
            double[] done = {0};
            SamplingRequest request =
                    SamplingRequest.fromNoise(noise, NO_NOISE)
                            .withListener(
                                    progress -> {
                                        assertTrue(progress.done() >= done[0]);
                                        done[0] = progress.done();
                                    });
            Denoiser network = data.denoiser(SamplingTraits.instaFlow());
            SamplingResult result =
                    sampler(1e-5)
                            .sample(
                                    ops,
                                    (inner, x, labels) -> {
                                        calls[0]++;
                                        return network.predict(inner, x, labels);
                                    },
                                    request);
            // Local errors of 1e-5 add up over some ten steps.
            TensorAssert.close("end", ops.toArray(result.latents()), exact, 1e-4);
            assertEquals(1, done[0]);
            assertTrue(result.evaluations().stream().allMatch(n -> n <= calls[0] && n % 6 == 2));
            assertTrue(result.evaluations().contains(calls[0]), "the slowest image needs all");
        }
    }

    @Test
    void aVelocityThatIsNoNumberIsAnErrorThatNamesTheLabels() {
        try (Scope scope = backend.openScope("rk45")) {
            Ops ops = scope.ops();
            Tensor noise = GaussianData.noise(ops, 1);
            Denoiser broken =
                    (inner, x, labels) -> Network.sum(inner, new double[] {Double.NaN}, x);
            SamplingRequest request = SamplingRequest.fromNoise(noise, NO_NOISE);
            String message =
                    assertThrows(
                                    IllegalStateException.class,
                                    () -> sampler(1e-3).sample(ops, broken, request))
                            .getMessage();
            assertTrue(message.contains("rk45") && message.contains("[1000.0]"), message);
        }
    }

    private static Sampler sampler(double tolerance) {
        return Samplers.create(
                SamplingTraits.instaFlow(),
                SamplerSettings.of(SamplerKind.RK45, 1).withTolerance(tolerance, tolerance));
    }

    private static float[] joined(List<JsonNode> cases, String field) {
        int length = cases.get(0).get(field).size();
        float[] values = new float[cases.size() * length];
        for (int i = 0; i < values.length; i++) {
            values[i] = cases.get(i / length).get(field).get(i % length).floatValue();
        }
        return values;
    }
}
