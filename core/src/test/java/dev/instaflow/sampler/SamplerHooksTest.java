package dev.instaflow.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.model.TestBackend;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Starts from images, inpainting, progress and cancellation: the same for every sampler. */
class SamplerHooksTest {
    // Sums of a few float32 products of values up to about 15 (the noise of the Euler samplers).
    private static final double ROUNDING = 2e-5;

    private static final int STEPS = 10;

    private final ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F32);

    @AfterEach
    void closesWithoutLeaks() {
        backend.close();
    }

    @ParameterizedTest
    @EnumSource
    void anImageStartBeginsWithTheImageUnderTheNoiseOfItsLabel(SamplerKind kind) {
        SamplingTraits traits = traits(kind);
        double strength = 0.6;
        try (Scope scope = backend.openScope("run")) {
            Ops ops = scope.ops();
            Tensor noise = GaussianData.noise(ops, 2);
            Tensor image = image(ops);
            List<float[]> seen = new ArrayList<>();
            List<Float> labels = new ArrayList<>();
            Denoiser network = GaussianData.knowing(traits, image, noise);
            Denoiser recorder =
                    (inner, x, l) -> {
                        seen.add(inner.toArray(x));
                        labels.add(l[0]);
                        return network.predict(inner, x, l);
                    };
            Sampler sampler = Samplers.create(traits, SamplerSettings.of(kind, STEPS));
            SamplingResult result =
                    sampler.sample(
                            ops,
                            recorder,
                            SamplingRequest.fromImage(image, noise, strength, streams()));
            NoiseLevel level = GaussianData.seenLevel(traits, labels.get(0));
            double[] weights = {level.signal(), level.noise()};
            float[] expected = ops.toArray(Network.sum(ops, weights, image, noise));
            TensorAssert.close("first input", seen.get(0), expected, ROUNDING);
            if (traits.prediction() == Prediction.FLOW) {
                assertEquals(1000 * strength, labels.get(0), 1e-3);
            }
            // Such a network gives the image back: all but the last noise is gone.
            TensorAssert.close(
                    "end",
                    ops.toArray(result.latents()),
                    ops.toArray(image),
                    endsClean(kind) ? ROUNDING : 0.03 * 4);
            if (kind != SamplerKind.RK45) {
                assertEquals(6, sampler.steps(strength));
            }
        }
    }

    /** DDIM, PLMS and DPM-Solver end at the table's least noise, 0.029, and its signal. */
    private static boolean endsClean(SamplerKind kind) {
        return switch (kind) {
            case DDIM, PLMS, DPMPP_2M -> false;
            default -> true;
        };
    }

    @ParameterizedTest
    @EnumSource
    void inpaintingKeepsWhereTheMaskIsOneAndPaintsWhereItIsZero(SamplerKind kind) {
        SamplingTraits traits = traits(kind);
        Denoiser network = new GaussianData(0.7, 0.5).denoiser(traits);
        SamplerSettings settings = SamplerSettings.of(kind, STEPS).withTolerance(1e-3, 1e-3);
        Sampler sampler = Samplers.create(traits, settings);
        try (Scope scope = backend.openScope("run")) {
            Ops ops = scope.ops();
            Tensor noise = GaussianData.noise(ops, 2);
            Tensor image = image(ops);
            float[] mask = new float[120];
            Arrays.fill(mask, 0, 40, 1);
            KnownRegion region =
                    KnownRegion.of(ops, image, noise, ops.tensor("mask", image.shape(), mask));
            SamplingRequest request = SamplingRequest.fromNoise(noise, streams());
            float[] free = ops.toArray(sampler.sample(ops, network, request).latents());
            float[] actual =
                    ops.toArray(
                            sampler.sample(
                                            ops,
                                            network,
                                            SamplingRequest.fromNoise(noise, streams())
                                                    .withConstraint(region))
                                    .latents());
            float[] known = Arrays.copyOf(ops.toArray(image), 40);
            assertArrayEquals(known, Arrays.copyOf(actual, 40), "kept exactly");
            // The first image's step sizes follow from its known part too; the second is all
            // painted.
            int from = kind == SamplerKind.RK45 ? 60 : 40;
            assertArrayEquals(
                    Arrays.copyOfRange(free, from, 120),
                    Arrays.copyOfRange(actual, from, 120),
                    "painted as without a mask, since each element is its own");
        }
    }

    @ParameterizedTest
    @EnumSource
    void theNetworkSeesTheKnownPartAtTheNoiseOfEachLabel(SamplerKind kind) {
        SamplingTraits traits = traits(kind);
        Denoiser network = new GaussianData(0.7, 0.5).denoiser(traits);
        try (Scope scope = backend.openScope("run")) {
            Ops ops = scope.ops();
            Tensor noise = GaussianData.noise(ops, 2);
            Tensor image = image(ops);
            float[] ones = new float[120];
            Arrays.fill(ones, 1);
            KnownRegion all =
                    KnownRegion.of(ops, image, noise, ops.tensor("mask", image.shape(), ones));
            int[] calls = {0};
            Denoiser checking =
                    (inner, x, labels) -> {
                        // Calls within a step see states that the method has made up itself.
                        if (callsPerStep(kind) == 1 || calls[0] == 0) {
                            NoiseLevel level = GaussianData.seenLevel(traits, labels[0]);
                            double[] weights = {level.signal(), level.noise()};
                            Tensor expected = Network.sum(inner, weights, image, noise);
                            TensorAssert.close(
                                    "input at " + labels[0],
                                    inner.toArray(x),
                                    inner.toArray(expected),
                                    ROUNDING);
                        }
                        calls[0]++;
                        return network.predict(inner, x, labels);
                    };
            Samplers.create(traits, SamplerSettings.of(kind, STEPS))
                    .sample(
                            ops,
                            checking,
                            SamplingRequest.fromNoise(noise, streams()).withConstraint(all));
            assertTrue(calls[0] >= STEPS);
        }
    }

    private static int callsPerStep(SamplerKind kind) {
        return switch (kind) {
            case HEUN, RF_HEUN, PLMS -> 2;
            case RK45 -> 6;
            default -> 1;
        };
    }

    @ParameterizedTest
    @EnumSource
    void progressRisesToTheEndAndACancelledRunLeavesNothingBehind(SamplerKind kind) {
        SamplingTraits traits = traits(kind);
        Sampler sampler = Samplers.create(traits, SamplerSettings.of(kind, STEPS));
        Denoiser network = new GaussianData(0.7, 0.5).denoiser(traits);
        try (Scope scope = backend.openScope("run")) {
            Ops ops = scope.ops();
            Tensor noise = GaussianData.noise(ops, 2);
            SamplingRequest request = SamplingRequest.fromNoise(noise, streams());
            List<SamplingProgress> all = new ArrayList<>();
            sampler.sample(ops, network, request.withListener(all::add));
            for (int i = 0; i < all.size(); i++) {
                assertEquals(i + 1, all.get(i).step());
                assertTrue(i == 0 || all.get(i).done() >= all.get(i - 1).done());
            }
            assertEquals(1, all.get(all.size() - 1).done());
            assertTrue(kind == SamplerKind.RK45 || all.size() == STEPS);
            CancellationException cancel = new CancellationException();
            SamplingRequest cancelled =
                    request.withListener(
                            progress -> {
                                if (progress.step() == 3) {
                                    throw cancel;
                                }
                            });
            assertSame(
                    cancel,
                    assertThrows(
                            CancellationException.class,
                            () -> sampler.sample(ops, network, cancelled)));
            sampler.sample(ops, network, request);
        }
    }

    @ParameterizedTest
    @EnumSource
    void manyStepsHoldNoMoreMemoryThanFew(SamplerKind kind) {
        SamplingTraits traits = traits(kind);
        Denoiser network = new GaussianData(0.7, 0.5).denoiser(traits);
        try (Backend cpu = TestBackend.CPU.open()) {
            long[] held = new long[2];
            for (int run = 0; run < held.length; run++) {
                int at = run;
                try (Scope scope = cpu.openScope("run")) {
                    Tensor noise = GaussianData.noise(scope.ops(), 2);
                    SamplingRequest request =
                            SamplingRequest.fromNoise(noise, streams())
                                    .withListener(p -> held[at] = cpu.heldBytes());
                    // RK45 takes as many steps as the tolerance asks for.
                    SamplerSettings settings =
                            SamplerSettings.of(kind, run == 0 ? 8 : 80)
                                    .withTolerance(run == 0 ? 1e-2 : 1e-6, 1e-6);
                    Samplers.create(traits, settings).sample(scope.ops(), network, request);
                }
            }
            assertEquals(held[0], held[1]);
        }
    }

    @Test
    void latentsThatStopBeingNumbersAreAnErrorThatNamesTheStep() {
        SamplingTraits traits = SamplingTraits.stableDiffusion();
        Denoiser network = new GaussianData(0.7, 0.5).denoiser(traits);
        Denoiser breaking =
                (ops, x, labels) ->
                        labels[0] > 500
                                ? network.predict(ops, x, labels)
                                : Network.sum(ops, new double[] {Double.NaN}, x);
        try (Scope scope = backend.openScope("run")) {
            SamplingRequest request =
                    SamplingRequest.fromNoise(GaussianData.noise(scope.ops(), 1), streams());
            Sampler sampler = Samplers.create(traits, SamplerSettings.of(SamplerKind.DDIM, STEPS));
            String message =
                    assertThrows(
                                    IllegalStateException.class,
                                    () -> sampler.sample(scope.ops(), breaking, request))
                            .getMessage();
            assertEquals(
                    "sampler ddim: the latents are not finite after step 6 of 10 (label 401.0)",
                    message);
        }
    }

    @Test
    void masksOutsideTheirRangeAndStrengthsOutsideTheirsAreRefused() {
        try (Scope scope = backend.openScope("run")) {
            Ops ops = scope.ops();
            Tensor image = image(ops);
            Tensor noise = GaussianData.noise(ops, 2);
            float[] wrong = new float[120];
            wrong[7] = 255;
            Tensor mask = ops.tensor("mask", image.shape(), wrong);
            assertThrows(
                    IllegalArgumentException.class, () -> KnownRegion.of(ops, image, noise, mask));
            Tensor small = ops.tensor("mask", Shape.of(1, 3, 5, 4), new float[60]);
            assertThrows(
                    IllegalArgumentException.class, () -> KnownRegion.of(ops, image, noise, small));
            for (double strength : new double[] {0, 1.1, Double.NaN}) {
                assertThrows(
                        IllegalArgumentException.class,
                        () -> new SamplingStart.Image(image, noise, strength));
            }
        }
    }

    private static SamplingTraits traits(SamplerKind kind) {
        return kind.predictions().contains(Prediction.FLOW)
                ? SamplingTraits.instaFlow()
                : SamplingTraits.stableDiffusion();
    }

    private static StepNoise streams() {
        return BatchNoise.of(NoiseSource.JAVA, 77, 2);
    }

    /** Two images whose values differ everywhere. */
    private static Tensor image(Ops ops) {
        float[] values = new float[120];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i - 60) / 40f;
        }
        return ops.tensor("image", Shape.of(2, 3, 5, 4), values);
    }
}
