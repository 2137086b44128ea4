package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against Philox as published, read anew in Java; core's tests hold the same stream to its own goldens. */
class NoiseKernelTest {
    /** The hardware's sine: 2^-20.5 absolute, times a radius of up to 6.7; the angle is rounded to F32 before, up to 2^-22. */
    private static final double SINE = 8 * (0x1p-20 + 0x1p-22);

    @ParameterizedTest
    @CsvSource({
        "1, 0, 0",
        "7, -1, 3",
        "257, 42, 1",
        "1000, 9223372036854775807, 4294967296",
        "221188, 7, 0",
        "884737, 7, 5",
    })
    void numbersAreThoseOfTorchOnAnA100(int count, long seed, long round) {
        try (Emulator device = new Emulator(0)) {
            long y = device.empty(Storage.F32, count);
            device.run(NoiseKernel.normal(y, count, seed, round));
            float[] actual = device.read(Storage.F32, y, count);
            int threads = Math.min((count + 255) / 256, 864) * 256;
            assertEquals((count + 4L * threads - 1) / (4L * threads), NoiseKernel.rounds(count));
            int step = Math.max(1, count / 5000);
            double[] expected = new double[(count + step - 1) / step];
            float[] chosen = new float[expected.length];
            for (int i = 0; i < count; i += step) {
                expected[i / step] = normal(i, threads, seed, round);
                chosen[i / step] = actual[i];
            }
            new Close(SINE, 4 * Close.F32_ROUNDING).check("normals", expected, chosen);
        }
    }

    private static double normal(int i, int threads, long seed, long round) {
        long counter = round + i / (4L * threads);
        int thread = i % threads;
        int draw = i / threads % 4;
        int[] words = philox((int) counter, (int) (counter >>> 32), thread, seed);
        int pair = draw / 2 * 2;
        float u = (words[pair] & 0xFFFFFFFFL) * 0x1p-32f + 0x1p-33f;
        double angle = ((words[pair + 1] & 0xFFFFFFFFL) + 0.5) * 0x1p-32 * 2 * Math.PI;
        double radius = Math.sqrt(-2 * Math.log(u));
        return radius * (draw % 2 == 0 ? Math.sin(angle) : Math.cos(angle));
    }

    private static int[] philox(int c0, int c1, int c2, long seed) {
        int[] c = {c0, c1, c2, 0};
        int k0 = (int) seed;
        int k1 = (int) (seed >>> 32);
        for (int r = 0; r < 10; r++) {
            long a = 0xD2511F53L * (c[0] & 0xFFFFFFFFL);
            long b = 0xCD9E8D57L * (c[2] & 0xFFFFFFFFL);
            c =
                    new int[] {
                        (int) (b >>> 32) ^ c[1] ^ k0, (int) b, (int) (a >>> 32) ^ c[3] ^ k1, (int) a
                    };
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        return c;
    }

    @Test
    void referenceGivesThePublishedAnswer() {
        // Random123's known answers for a counter and key of zeros.
        int[] expected = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
        org.junit.jupiter.api.Assertions.assertArrayEquals(expected, philox(0, 0, 0, 0));
    }

    @Test
    void trafficIsTheLowerBound() {
        try (Emulator device = new Emulator(0)) {
            long y = device.empty(Storage.F32, 4096);
            device.runWithin(NoiseKernel.normal(y, 4096, 1, 0), 4 * 4096);
        }
    }
}
