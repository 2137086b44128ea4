package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CastKernelTest {
    private static final float[] EDGES = {
        0f,
        -0f,
        1,
        65504,
        65519.996f,
        65520,
        -1e9f,
        1e-9f,
        6e-8f,
        3.4e38f,
        Float.NaN,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        2049,
        2051,
        0x1.01p0f,
        0x1.03p0f
    };

    @ParameterizedTest
    @CsvSource({"F32, F16", "F32, BF16", "F16, F32", "F16, BF16", "BF16, F32", "BF16, F16"})
    void everyBitIsThatOfRoundingToNearestEven(Storage from, Storage to) {
        for (int count : new int[] {1, 7, 31, 33, 100, 257, 2055}) {
            try (Emulator device = new Emulator(count)) {
                float[] x = device.normal(from, count);
                for (int i = 0; i < Math.min(count, EDGES.length); i++) {
                    x[i] = Half.round(from, EDGES[i]);
                }
                long y = device.empty(to, count);
                device.run(CastKernel.cast(from, to, y, device.upload(from, x), count));
                float[] expected = new float[count];
                for (int i = 0; i < count; i++) {
                    expected[i] = Half.round(to, x[i]);
                }
                assertArrayEquals(expected, device.read(to, y, count), from + " to " + to);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, F16", "F32, BF16", "F16, F32", "F16, BF16", "BF16, F32", "BF16, F16"})
    void trafficIsTheLowerBound(Storage from, Storage to) {
        int count = 4096;
        try (Emulator device = new Emulator(1)) {
            long x = device.upload(from, device.normal(from, count));
            long y = device.empty(to, count);
            device.runWithin(
                    CastKernel.cast(from, to, y, x, count),
                    (long) count * (from.sizeBytes() + to.sizeBytes()));
        }
    }

    @Test
    void castToItselfIsRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> CastKernel.cast(Storage.F16, Storage.F16, 256, 512, 1));
    }
}
