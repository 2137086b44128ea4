package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FiniteKernelTest {
    private static final float[] BAD = {
        Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY
    };

    @ParameterizedTest
    @EnumSource
    void oneBadElementAnywhereIsFound(Storage storage) {
        for (int count : new int[] {1, 7, 31, 33, 100, 257, 2055}) {
            assertEquals(0, flagOf(storage, count, 0, 1));
            for (float bad : BAD) {
                assertEquals(1, flagOf(storage, count, 0, bad));
                assertEquals(1, flagOf(storage, count, count - 1, bad));
            }
        }
    }

    private static int flagOf(Storage storage, int count, int at, float value) {
        try (Emulator device = new Emulator(count)) {
            float[] x = device.normal(storage, count);
            x[at] = value;
            long flag = device.upload(new int[] {0});
            device.run(FiniteKernel.check(storage, flag, device.upload(storage, x), count));
            return device.bytes(flag, 4)[0];
        }
    }

    @ParameterizedTest
    @EnumSource
    void trafficIsTheLowerBound(Storage storage) {
        int count = 4096;
        try (Emulator device = new Emulator(1)) {
            long x = device.upload(storage, device.normal(storage, count));
            device.runWithin(
                    FiniteKernel.check(storage, device.upload(new int[] {0}), x, count),
                    (long) count * storage.sizeBytes());
        }
    }
}
