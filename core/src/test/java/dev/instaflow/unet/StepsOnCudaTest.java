package dev.instaflow.unet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.cuda.CudaTestDevice;
import dev.instaflow.backend.cuda.Precision;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.model.TestBackend;
import dev.instaflow.model.TinyModel;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.sampler.Denoiser;
import dev.instaflow.sampler.Guidance;
import dev.instaflow.standin.StandInSettings;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A guided run of several steps, of which all but the first two are played back. */
class StepsOnCudaTest {
    private static final int STEPS = 4;
    private static final float DT = 1f / STEPS;

    /** Of the largest value: what two implementations in F32 differ by after one step is below 2e-6. */
    private static final double TOLERANCE = 1e-5;

    private CudaTestDevice device;

    @BeforeEach
    void start() {
        device = CudaTestDevice.start(StandInSettings.fast());
    }

    @AfterEach
    void leavesNothing() {
        device.requireNoLeaks();
    }

    private static Tensor random(Ops ops, long seed, long... sizes) {
        Shape shape = Shape.of(sizes);
        Random random = new Random(seed);
        float[] values = new float[Math.toIntExact(shape.count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return ops.tensor("random", shape, values);
    }

    private interface AfterStep {
        void done(int step);
    }

    private static float[] run(Backend backend, BlockMonitor monitor, AfterStep after)
            throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(TinyModel.UNET64_FILE);
                UNet unet = UNet.load(backend, checkpoint, TinyModel.UNET64);
                Scope scope = backend.openScope("run")) {
            Ops ops = scope.ops();
            PreparedContext texts =
                    unet.prepare(ops, random(ops, 5, 4, 9, TinyModel.UNET64.contextDim()));
            Denoiser denoiser =
                    new Guidance(3)
                            .over(
                                    (inner, x, labels, contexts) ->
                                            unet.forward(inner, x, labels, texts, monitor));
            Tensor x = random(ops, 6, 2, 7, 5, 4);
            for (int step = 0; step < STEPS; step++) {
                float[] labels = new float[2];
                Arrays.fill(labels, 1000 * (1 - step * DT));
                Tensor v = denoiser.predict(ops, x, labels);
                x = ops.combine(new float[][] {{1}, {DT}}, x, v);
                after.done(step);
            }
            return ops.toArray(x);
        }
    }

    @Test
    void severalGuidedStepsAreThoseOfTheCpu() throws IOException {
        float[] expected;
        try (Backend cpu = TestBackend.CPU.open()) {
            expected = run(cpu, BlockMonitor.NONE, step -> {});
        }
        try (Backend cuda = device.open(Precision.F32)) {
            long[] seen = new long[2 * (STEPS + 1)];
            float[] actual =
                    run(
                            cuda,
                            BlockMonitor.NONE,
                            step -> {
                                seen[2 * step + 2] = CudaTestDevice.launches(cuda);
                                seen[2 * step + 3] = CudaTestDevice.calls(cuda);
                            });
            double worst = 0;
            double largest = 0;
            for (int i = 0; i < expected.length; i++) {
                worst = Math.max(worst, Math.abs((double) actual[i] - expected[i]));
                largest = Math.max(largest, Math.abs(expected[i]));
            }
            System.out.printf(
                    "measured: %d guided steps differ by %.2e of the largest value;"
                            + " a step takes %d launches and %d calls recording, %d and %d played%n",
                    STEPS,
                    worst / largest,
                    seen[4] - seen[2],
                    seen[5] - seen[3],
                    seen[2 * STEPS] - seen[2 * STEPS - 2],
                    seen[2 * STEPS + 1] - seen[2 * STEPS - 1]);
            assertTrue(worst / largest <= TOLERANCE, worst / largest + " of the largest value");
            assertEquals(
                    3, // the graph, guidance, the step
                    seen[2 * STEPS] - seen[2 * STEPS - 2],
                    "launches of a step that is played");
        }
    }

    @Test
    void aRunIsCancelledBetweenStepsAndLeavesNothing() throws IOException {
        AtomicInteger done = new AtomicInteger();
        BlockMonitor cancel = BlockMonitor.cancelWhen(() -> done.get() == 3);
        try (Backend cuda = device.open(Precision.F16)) {
            assertThrows(
                    CancellationException.class,
                    () -> run(cuda, cancel, step -> done.incrementAndGet()));
            assertEquals(3, done.get());
        }
    }
}
