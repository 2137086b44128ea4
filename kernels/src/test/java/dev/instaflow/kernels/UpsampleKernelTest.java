package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.instaflow.kernels.UpsampleKernel.Extent;
import dev.instaflow.kernels.UpsampleKernel.Spec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class UpsampleKernelTest {
    /** n, height, width, new height, new width, channels. */
    private static final int[][] SIZES = {
        {1, 1, 1, 1, 1, 1},
        {2, 3, 5, 6, 10, 8},
        {1, 7, 3, 9, 31, 33},
        {3, 2, 2, 7, 5, 100},
        {1, 5, 4, 5, 4, 3}
    };

    @ParameterizedTest
    @EnumSource
    void forwardCopiesAndGradientSums(Storage storage) {
        for (int[] size : SIZES) {
            check(
                    new Spec(
                            storage,
                            size[0],
                            new Extent(size[1], size[2]),
                            new Extent(size[3], size[4]),
                            size[5]));
        }
    }

    private static void check(Spec spec) {
        Storage storage = spec.storage();
        int c = spec.channels();
        int inPixels = spec.from().height() * spec.from().width();
        int outPixels = spec.to().height() * spec.to().width();
        try (Emulator device = new Emulator(c)) {
            float[] x = device.normal(storage, spec.n() * inPixels * c);
            float[] dy = device.normal(storage, spec.n() * outPixels * c);
            long y = device.empty(storage, dy.length);
            long dx = device.empty(storage, x.length);
            device.run(UpsampleKernel.forward(spec, y, device.upload(storage, x)));
            device.run(UpsampleKernel.backward(spec, dx, device.upload(storage, dy)));
            float[] expected = new float[dy.length];
            double[] gradient = new double[x.length];
            for (int i = 0; i < dy.length; i++) {
                int pixel = i / c % outPixels;
                int row = pixel / spec.to().width() * spec.from().height() / spec.to().height();
                int column = pixel % spec.to().width() * spec.from().width() / spec.to().width();
                int n = i / c / outPixels;
                int at = ((n * inPixels) + row * spec.from().width() + column) * c + i % c;
                expected[i] = x[at];
                gradient[at] += dy[i];
            }
            assertArrayEquals(expected, device.read(storage, y, expected.length), spec.toString());
            // Up to 44 terms of a few units.
            Close.f32(30, 16)
                    .storedAs(storage)
                    .check(spec.toString(), gradient, device.read(storage, dx, x.length));
        }
    }

    @ParameterizedTest
    @EnumSource
    void trafficIsTheLowerBound(Storage storage) {
        Spec spec = new Spec(storage, 1, new Extent(8, 8), new Extent(16, 16), 32);
        int in = 8 * 8 * 32;
        long bytes = 5L * in * storage.sizeBytes();
        try (Emulator device = new Emulator(1)) {
            long x = device.upload(storage, device.normal(storage, in));
            long y = device.empty(storage, 4L * in);
            device.runWithin(UpsampleKernel.forward(spec, y, x), bytes);
            device.runWithin(UpsampleKernel.backward(spec, x, y), bytes);
        }
    }

    @Test
    void smallerResultIsRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> new Spec(Storage.F32, 1, new Extent(4, 4), new Extent(4, 3), 1));
    }
}
