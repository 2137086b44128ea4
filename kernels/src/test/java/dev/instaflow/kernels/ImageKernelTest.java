package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.instaflow.kernels.ImageKernel.Matrices;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ImageKernelTest {
    @ParameterizedTest
    @EnumSource
    void bytesAreThoseOfTheFormula(Storage storage) {
        for (int channels = 3; channels <= 4; channels++) {
            for (int pixels : new int[] {1, 7, 31, 33, 100, 257}) {
                checkBytes(storage, pixels, channels);
            }
        }
    }

    private static void checkBytes(Storage storage, int pixels, int channels) {
        try (Emulator device = new Emulator(pixels)) {
            float[] x = device.normal(storage, pixels * channels);
            if (pixels > 2 && channels == 4) {
                // Transparent, and barely so.
                x[3] = -1;
                x[7] = Half.round(storage, -1 + 2f / 255);
            }
            long rgba = device.empty(4L * pixels);
            device.run(
                    ImageKernel.rgba8(storage, rgba, device.upload(storage, x), pixels, channels));
            byte[] actual = device.bytes(rgba, 4 * pixels);
            int near = 0;
            for (int i = 0; i < actual.length; i++) {
                double expected = expected(x, i / 4 * channels, i % 4, channels);
                double distance = Math.abs((actual[i] & 0xFF) - expected);
                assertEquals(0, distance, 0.5001, "byte " + i + " of " + expected);
                near += distance > 0.4999 ? 1 : 0;
            }
            assertEquals(0, near, 4, "bytes next to a tie");
        }
    }

    /** The unrounded byte. */
    private static double expected(float[] x, int at, int k, int channels) {
        double alpha = channels == 4 ? unit(x[at + 3]) : 1;
        if (k == 3) {
            return 255 * alpha;
        }
        return alpha > 1f / 255 ? 255 * Math.min(1, unit(x[at + k]) / alpha) : 0;
    }

    private static float unit(float x) {
        return Math.min(1, Math.max(0, x / 2 + 0.5f));
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16"})
    void layoutsTurnIntoEachOther(Storage storage) {
        int[][] sizes = {{1, 1, 1}, {2, 31, 4}, {1, 33, 100}, {3, 257, 3}, {1, 64, 64}};
        for (int[] size : sizes) {
            Matrices matrices = new Matrices(size[0], size[1], size[2]);
            try (Emulator device = new Emulator(size[1])) {
                float[] x = device.normal(storage, size[0] * size[1] * size[2]);
                float[] expected = new float[x.length];
                for (int i = 0; i < x.length; i++) {
                    int n = i / (size[1] * size[2]);
                    int row = i / size[2] % size[1];
                    expected[(n * size[2] + i % size[2]) * size[1] + row] = x[i];
                }
                long y = device.empty(storage, x.length);
                long back = device.empty(storage, x.length);
                device.run(ImageKernel.transpose(storage, y, device.upload(storage, x), matrices));
                device.run(
                        ImageKernel.transpose(
                                storage, back, y, new Matrices(size[0], size[2], size[1])));
                assertArrayEquals(expected, device.read(storage, y, x.length));
                assertArrayEquals(x, device.read(storage, back, x.length));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void trafficIsTheLowerBound(Storage storage) {
        int pixels = 4096;
        try (Emulator device = new Emulator(1)) {
            long x = device.upload(storage, device.normal(storage, 4 * pixels));
            long y = device.empty(16L * pixels);
            device.runWithin(
                    ImageKernel.rgba8(storage, y, x, pixels, 4),
                    (4L * storage.sizeBytes() + 4) * pixels);
            device.runWithin(
                    ImageKernel.transpose(storage, y, x, new Matrices(1, 128, 128)),
                    8L * pixels * storage.sizeBytes());
        }
    }

    @Test
    void twoChannelsAreRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> ImageKernel.rgba8(Storage.F32, 256, 512, 4, 2));
    }
}
