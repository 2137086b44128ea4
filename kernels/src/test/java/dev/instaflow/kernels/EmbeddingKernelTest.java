package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.instaflow.kernels.EmbeddingKernel.Extents;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class EmbeddingKernelTest {
    /** The last is beyond what sine and cosine reduce without Payne and Hanek's method. */
    private static final float[] LABELS = {0, 1, 0.5f, 499, 999, 1000, 200_000};

    /** Half an ulp of the largest angle below 1000, of the frequency and of its logarithm (9.2) add up. */
    private static final double UP_TO_1000 = 1000 * 10 * Close.F32_ROUNDING;

    @ParameterizedTest
    @EnumSource
    void timesBecomeCosinesAndSines(Storage storage) {
        for (int channels : new int[] {2, 14, 62, 66, 320}) {
            try (Emulator device = new Emulator(1)) {
                int count = LABELS.length * channels;
                long y = device.empty(storage, count);
                device.run(
                        EmbeddingKernel.time(
                                storage,
                                y,
                                device.upload(Storage.F32, LABELS),
                                LABELS.length,
                                channels));
                float[] actual = device.read(storage, y, count);
                double[] expected = new double[count];
                int half = channels / 2;
                for (int i = 0; i < LABELS.length * half; i++) {
                    int k = i % half;
                    // As the original rounds; only the exponential itself is exact here.
                    float exponent = (float) -Math.log(10_000) * k / half;
                    float angle = LABELS[i / half] * (float) Math.exp(exponent);
                    expected[i / half * channels + k] = Math.cos(angle);
                    expected[i / half * channels + half + k] = Math.sin(angle);
                }
                int last = count - channels;
                Close close = new Close(UP_TO_1000, 0).storedAs(storage);
                close.check(
                        "times",
                        java.util.Arrays.copyOf(expected, last),
                        java.util.Arrays.copyOf(actual, last));
                new Close(200 * close.absolute(), 0)
                        .storedAs(storage)
                        .check(
                                "a label of 200000",
                                java.util.Arrays.copyOfRange(expected, last, count),
                                java.util.Arrays.copyOfRange(actual, last, count));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void rowsAreLookedUpAndTheirGradientIsSummed(Storage storage) {
        for (int[] size : new int[][] {{1, 1}, {31, 7}, {77, 100}, {300, 33}, {5, 257}}) {
            int tokens = size[0];
            int width = size[1];
            int vocabulary = 40;
            try (Emulator device = new Emulator(width)) {
                float[] table = device.normal(storage, vocabulary * width);
                float[] dy = device.normal(storage, tokens * width);
                int[] ids = new int[tokens];
                float[] expected = new float[dy.length];
                double[] gradient = new double[table.length];
                for (int t = 0; t < tokens; t++) {
                    ids[t] = t * t % (vocabulary - 3);
                    for (int k = 0; k < width; k++) {
                        expected[t * width + k] = table[ids[t] * width + k];
                        gradient[ids[t] * width + k] += dy[t * width + k];
                    }
                }
                Extents extents = new Extents(tokens, width);
                long y = device.empty(storage, dy.length);
                long dtable = device.upload(Storage.F32, new float[table.length]);
                long idsAddress = device.upload(ids);
                device.run(
                        EmbeddingKernel.rows(
                                storage, y, device.upload(storage, table), idsAddress, extents));
                device.run(
                        EmbeddingKernel.rowsGradient(
                                storage, dtable, device.upload(storage, dy), idsAddress, extents));
                assertArrayEquals(expected, device.read(storage, y, expected.length));
                Close.f32(40, 32)
                        .check(
                                "gradient " + extents,
                                gradient,
                                device.read(Storage.F32, dtable, gradient.length));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void trafficIsTheLowerBound(Storage storage) {
        int width = 64;
        int tokens = 64;
        long bytes = (long) tokens * width * storage.sizeBytes();
        int[] ids = new int[tokens];
        java.util.Arrays.setAll(ids, i -> 63 - i);
        float[] labels = new float[tokens];
        try (Emulator device = new Emulator(1)) {
            long table = device.upload(storage, device.normal(storage, tokens * width));
            long y = device.empty(storage, (long) tokens * width);
            long dtable = device.empty(Storage.F32, (long) tokens * width);
            long idsAddress = device.upload(ids);
            Extents extents = new Extents(tokens, width);
            device.runWithin(
                    EmbeddingKernel.rows(storage, y, table, idsAddress, extents), 2 * bytes);
            device.runWithin(
                    EmbeddingKernel.rowsGradient(storage, dtable, y, idsAddress, extents),
                    bytes + 4L * tokens * width);
            device.runWithin(
                    EmbeddingKernel.time(
                            storage, y, device.upload(Storage.F32, labels), tokens, width),
                    bytes);
        }
    }

    @Test
    void oddNumberOfChannelsIsRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> EmbeddingKernel.time(Storage.F32, 256, 512, 1, 7));
    }
}
