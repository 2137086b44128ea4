package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.kernels.TrainingKernel.AdamW;
import dev.instaflow.kernels.TrainingKernel.Error;
import dev.instaflow.kernels.TrainingKernel.Gradients;
import dev.instaflow.kernels.TrainingKernel.State;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TrainingKernelTest {
    private static final int[] COUNTS = {1, 7, 31, 33, 100, 257, 2055};
    private static final AdamW SETTINGS = new AdamW(1e-2f, 0.9f, 0.999f, 1e-8f, 0.1f, 3, 0.99f);

    @ParameterizedTest
    @EnumSource
    void squaredErrorAndItsGradientMatch(Storage storage) {
        for (int count : COUNTS) {
            checkError(storage, count);
        }
        // More than one step of a block.
        checkError(storage, 1024 * 256 * storage.packSize() + 2051);
    }

    private static void checkError(Storage storage, int count) {
        try (Emulator device = new Emulator(count)) {
            float[] p = device.normal(storage, count);
            float[] t = device.normal(storage, count);
            Error error = new Error(device.upload(storage, p), device.upload(storage, t));
            int blocks = ReduceKernel.totalBlocks(storage, count);
            long partial = device.empty(Storage.F32, blocks);
            long sum = device.empty(Storage.F32, 1);
            long gradient = device.empty(storage, count);
            device.run(
                    TrainingKernel.squaredError(
                            storage, partial, error.prediction(), error.target(), count));
            device.run(ReduceKernel.blocks(sum, partial, blocks));
            device.run(TrainingKernel.squaredErrorGradient(storage, gradient, error, 0.25f, count));
            double expectedSum = 0;
            double[] expected = new double[count];
            for (int i = 0; i < count; i++) {
                double d = (double) p[i] - t[i];
                expectedSum += d * d;
                expected[i] = 0.25 * d;
            }
            Close.f32(expectedSum, 32)
                    .check("sum", new double[] {expectedSum}, device.read(Storage.F32, sum, 1));
            Close.f32(3, 2)
                    .storedAs(storage)
                    .check("gradient", expected, device.read(storage, gradient, count));
        }
    }

    @Test
    void factorHoldsTheNormAndMarksWhatIsNotFinite() {
        float limit = 2;
        float[][] cases = {
            {1, 0.5f}, {64, 0.5f}, {1e38f, 1}, {Float.NaN, 1}, {Float.POSITIVE_INFINITY, 1}
        };
        for (float[] c : cases) {
            try (Emulator device = new Emulator(0)) {
                long factor = device.empty(Storage.F32, 1);
                long squares = device.upload(Storage.F32, new float[] {c[0]});
                device.run(TrainingKernel.clip(factor, squares, limit, c[1]));
                double norm = c[1] * Math.sqrt(c[0]);
                double expected =
                        Double.isFinite(norm) ? c[1] * Math.min(1, limit / (norm + 1e-6)) : -1;
                assertEquals(
                        expected,
                        device.read(Storage.F32, factor, 1)[0],
                        8 * Close.F32_ROUNDING * Math.abs(expected));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void stepsMatchTheAlgorithm(Storage storage) {
        for (int count : COUNTS) {
            new Step(storage, count).check(0.5f);
        }
        new Step(storage, 33).check(-1);
    }

    @ParameterizedTest
    @EnumSource
    void optionalPartsMayBeAbsent(Storage storage) {
        for (int part = 0; part < 3; part++) {
            checkWithout(storage, part == 1, part == 2);
        }
    }

    private static void checkWithout(Storage storage, boolean withEma, boolean withCopy) {
        int count = 2055;
        try (Emulator device = new Emulator(1)) {
            float[] w = device.normal(Storage.F32, count);
            float[] zero = new float[count];
            State state =
                    new State(
                            device.upload(Storage.F32, w),
                            device.upload(Storage.F32, zero),
                            device.upload(Storage.F32, zero),
                            withEma ? device.upload(Storage.F32, w) : 0,
                            withCopy ? device.empty(storage, count) : 0);
            Gradients none = new Gradients(storage, device.upload(storage, zero), 0);
            device.run(TrainingKernel.adamW(SETTINGS, state, none, count));
            double[] expected = new double[count];
            for (int i = 0; i < count; i++) {
                expected[i] = w[i] * (1 - 1e-3);
            }
            Close.f32(5, 4)
                    .check(
                            "decay alone",
                            expected,
                            device.read(Storage.F32, state.weights(), count));
        }
    }

    @ParameterizedTest
    @EnumSource
    void trafficIsTheLowerBound(Storage storage) {
        int count = 4096;
        int bytes = storage.sizeBytes();
        try (Emulator device = new Emulator(1)) {
            long p = device.upload(storage, device.normal(storage, count));
            long t = device.upload(storage, device.normal(storage, count));
            long partial = device.empty(Storage.F32, 64);
            long dp = device.empty(storage, count);
            device.runWithin(
                    TrainingKernel.squaredError(storage, partial, p, t, count), 2L * bytes * count);
            device.runWithin(
                    TrainingKernel.squaredErrorGradient(storage, dp, new Error(p, t), 1, count),
                    3L * bytes * count);
            Step step = new Step(storage, count);
            device.runWithin(
                    TrainingKernel.adamW(SETTINGS, step.state, step.gradients(1), count),
                    (32L + 2 * bytes) * count);
        }
    }

    /** One step, and the algorithm in F64. */
    private static final class Step {
        private final Emulator device = new Emulator(5);
        private final Storage storage;
        private final float[] w;
        private final float[] m;
        private final float[] v;
        private final float[] ema;
        private final float[] g;
        private final State state;

        Step(Storage storage, int count) {
            this.storage = storage;
            w = device.normal(Storage.F32, count);
            m = device.normal(Storage.F32, count);
            v = device.normal(Storage.F32, count);
            for (int i = 0; i < count; i++) {
                v[i] *= v[i];
            }
            ema = device.normal(Storage.F32, count);
            g = device.normal(storage, count);
            state =
                    new State(
                            device.upload(Storage.F32, w),
                            device.upload(Storage.F32, m),
                            device.upload(Storage.F32, v),
                            device.upload(Storage.F32, ema),
                            device.upload(storage, g));
        }

        Gradients gradients(float factor) {
            return new Gradients(
                    storage,
                    device.upload(storage, g),
                    device.upload(Storage.F32, new float[] {factor}));
        }

        void check(float factor) {
            int count = w.length;
            device.run(TrainingKernel.adamW(SETTINGS, state, gradients(factor), count));
            double[] expectedW = new double[count];
            double[] expectedM = new double[count];
            double[] expectedV = new double[count];
            double[] expectedEma = new double[count];
            for (int i = 0; i < count; i++) {
                double slope = (double) factor * g[i];
                double first = 0.9f * (double) m[i] + (1 - 0.9f) * slope;
                double second = 0.999f * (double) v[i] + (1 - 0.999f) * slope * slope;
                double corrected = Math.sqrt(second / (1 - Math.pow(0.999f, 3))) + 1e-8f;
                double change = 1e-2f / (1 - Math.pow(0.9f, 3)) * first / corrected;
                boolean skipped = factor < 0;
                expectedM[i] = skipped ? m[i] : first;
                expectedV[i] = skipped ? v[i] : second;
                expectedW[i] = skipped ? w[i] : w[i] * (1 - 1e-2f * (double) 0.1f) - change;
                expectedEma[i] = skipped ? ema[i] : ema[i] + (1 - 0.99f) * (expectedW[i] - ema[i]);
            }
            // 1 - beta2 is a difference of numbers near 1 and has ten bits less.
            Close close = new Close(8 * 8 * Close.F32_ROUNDING, 0x1p-13);
            close.check("w", expectedW, device.read(Storage.F32, state.weights(), count));
            close.check("m", expectedM, device.read(Storage.F32, state.first(), count));
            close.check("v", expectedV, device.read(Storage.F32, state.second(), count));
            close.check("ema", expectedEma, device.read(Storage.F32, state.ema(), count));
            float[] copy = device.read(storage, state.copy(), count);
            float[] weights = device.read(Storage.F32, state.weights(), count);
            for (int i = 0; i < count; i++) {
                weights[i] = factor < 0 ? g[i] : Half.round(storage, weights[i]);
            }
            assertArrayEquals(weights, copy);
            device.close();
        }
    }
}
