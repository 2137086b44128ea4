package dev.instaflow.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Samplers on data whose ODE has a closed form. */
class SamplerAccuracyTest {
    private static final GaussianData DATA = new GaussianData(0.7, 0.5);
    private final ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F32);

    @AfterEach
    void closesWithoutLeaks() {
        backend.close();
    }

    @ParameterizedTest
    @CsvSource({
        "RF_EULER, 1",
        "RF_HEUN, 2",
        "DDIM, 1",
        "PLMS, 2",
        "EULER, 1",
        "HEUN, 2",
        "DPMPP_2M, 2"
    })
    void errorFallsWithThePowerOfTheStepThatTheMethodPromises(SamplerKind kind, int order) {
        double coarse = halfWayError(kind, 50);
        double fine = halfWayError(kind, 100);
        double power = Math.log(coarse / fine) / Math.log(2);
        assertTrue(power > order - 0.2, kind + ": order " + power + ", error " + fine);
        assertTrue(fine < (order == 1 ? 0.02 : 1e-3), kind + ": error " + fine);
    }

    /**
     * The worst distance from the exact path after half of the steps, at label 499 whatever their
     * number. Near the end, sigma grows with the root of the label, and no method has its order.
     */
    private double halfWayError(SamplerKind kind, int steps) {
        SamplingTraits traits =
                kind.predictions().contains(Prediction.FLOW)
                        ? SamplingTraits.instaFlow()
                        : SamplingTraits.stableDiffusion();
        SamplerSettings settings =
                SamplerSettings.of(kind, steps).withSpacing(StepSpacing.TRAILING);
        Grid grid = new GridSampler(traits, settings).grid(1);
        try (Scope scope = backend.openScope("run")) {
            Ops ops = scope.ops();
            Tensor noise = GaussianData.noise(ops, 2);
            float[][] states = new float[steps + 1][];
            Samplers.create(traits, settings)
                    .sample(
                            ops,
                            DATA.denoiser(traits),
                            SamplingRequest.fromNoise(noise, BatchNoise.of(NoiseSource.JAVA, 1, 2))
                                    .withListener(
                                            p -> states[p.step()] = ops.toArray(p.latents())));
            float[] start = ops.toArray(noise);
            double worst = 0;
            for (int i = 0; i < start.length; i++) {
                double exact =
                        DATA.path(grid.level(0), grid.level(steps / 2))
                                .applyAsDouble(grid.startScale() * start[i]);
                worst = Math.max(worst, Math.abs(exact - states[steps / 2][i]));
            }
            return worst / Math.max(1, grid.level(steps / 2).noise());
        }
    }

    private static Tensor run(
            Ops ops, SamplingTraits traits, SamplerSettings settings, Tensor noise) {
        BatchNoise fresh = BatchNoise.of(NoiseSource.JAVA, 5, noise.shape().intSize(0));
        return Samplers.create(traits, settings)
                .sample(ops, DATA.denoiser(traits), SamplingRequest.fromNoise(noise, fresh))
                .latents();
    }

    @ParameterizedTest
    @EnumSource(names = {"DDIM", "PLMS", "EULER", "EULER_ANCESTRAL", "HEUN", "DPMPP_2M"})
    void modelsThatPredictVGiveTheLatentsOfThoseThatPredictEpsilon(SamplerKind kind) {
        SamplerSettings settings = SamplerSettings.of(kind, 12);
        try (Scope scope = backend.openScope("run")) {
            Ops ops = scope.ops();
            Tensor noise = GaussianData.noise(ops, 2);
            Tensor eps = run(ops, SamplingTraits.stableDiffusion(), settings, noise);
            Tensor v = run(ops, SamplingTraits.diffusion(Prediction.V), settings, noise);
            // Float32 outputs, divided by a signal of 0.07 at the noisy end.
            TensorAssert.close(kind.label(), ops.toArray(v), ops.toArray(eps), 2e-5);
        }
    }

    @ParameterizedTest
    @CsvSource({"EULER_ANCESTRAL, 0", "DDIM, 0", "DDIM, 0.5", "DDIM, 1"})
    void addedNoiseLeavesTheDistributionThatOfTheData(SamplerKind kind, double eta) {
        SamplerSettings settings =
                SamplerSettings.of(kind, 200).withSpacing(StepSpacing.TRAILING).withEta(eta);
        try (Scope scope = backend.openScope("run")) {
            Ops ops = scope.ops();
            BatchNoise streams = BatchNoise.of(NoiseSource.JAVA, 3, 1);
            Tensor noise = streams.next(ops, Shape.of(1, 64, 64, 1));
            SamplingTraits traits = SamplingTraits.stableDiffusion();
            float[] latents =
                    ops.toArray(
                            Samplers.create(traits, settings)
                                    .sample(
                                            ops,
                                            DATA.denoiser(traits),
                                            SamplingRequest.fromNoise(noise, streams))
                                    .latents());
            double mean = mean(latents);
            double variance = 0;
            for (float x : latents) {
                variance += (x - mean) * (x - mean) / latents.length;
            }
            // Four standard errors of 4096 numbers, and a hundredth for the finite steps.
            assertEquals(DATA.mean(), mean, 4 * DATA.deviation() / 64 + 0.01);
            assertEquals(
                    DATA.deviation(),
                    Math.sqrt(variance),
                    4 * DATA.deviation() / Math.sqrt(2 * 4096) + 0.01);
        }
    }

    private static double mean(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    @ParameterizedTest
    @EnumSource
    void imagesOfABatchAreTheBitsTheyAreAlone(SamplerKind kind) {
        SamplingTraits traits =
                new SamplingTraits(
                        kind.predictions().iterator().next(),
                        TimeLabelRule.INSTAFLOW,
                        NoiseSchedule.STABLE_DIFFUSION);
        SamplerSettings settings = SamplerSettings.of(kind, 7);
        try (Scope scope = backend.openScope("run")) {
            Ops ops = scope.ops();
            Sampler sampler = Samplers.create(traits, settings);
            float[] batch = drawAndRun(ops, sampler, traits, 20, 21, 22);
            float[] alone = drawAndRun(ops, sampler, traits, 21);
            assertArrayEquals(alone, Arrays.copyOfRange(batch, 60, 120), kind.label());
        }
    }

    private static float[] drawAndRun(
            Ops ops, Sampler sampler, SamplingTraits traits, long... seeds) {
        BatchNoise streams = BatchNoise.of(NoiseSource.TORCH_CPU, seeds);
        Tensor noise = streams.next(ops, Shape.of(seeds.length, 3, 5, 4));
        SamplingRequest request = SamplingRequest.fromNoise(noise, streams);
        return ops.toArray(sampler.sample(ops, DATA.denoiser(traits), request).latents());
    }

    @Test
    void oneStepOfInstaFlowIsNoisePlusVelocity() {
        try (Scope scope = backend.openScope("run")) {
            Ops ops = scope.ops();
            Tensor noise = ops.tensor("z", Shape.of(1, 1, 1, 2), new float[] {0.5f, -2});
            Denoiser velocity =
                    (inner, x, labels) -> {
                        assertEquals(1000f, labels[0]);
                        return inner.tensor("v", x.shape(), new float[] {3, 4});
                    };
            SamplingResult result =
                    Samplers.create(
                                    SamplingTraits.instaFlow(),
                                    SamplerSettings.of(SamplerKind.RF_EULER, 1))
                            .sample(
                                    ops,
                                    velocity,
                                    SamplingRequest.fromNoise(
                                            noise, BatchNoise.of(NoiseSource.JAVA, 1)));
            assertArrayEquals(new float[] {3.5f, 2}, ops.toArray(result.latents()));
            assertEquals(List.of(1), result.evaluations());
        }
    }
}
