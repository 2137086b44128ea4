package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.instaflow.kernels.ChannelsKernel.Biased;
import dev.instaflow.kernels.ChannelsKernel.Extents;
import dev.instaflow.kernels.ChannelsKernel.Range;
import dev.instaflow.kernels.ChannelsKernel.Then;
import dev.instaflow.kernels.ElementwiseKernel.Unary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ChannelsKernelTest {
    /** Two samples of 31 positions and so on; channels off and on the vector width. */
    private static final int[][] SIZES = {
        {1, 1, 1}, {2, 31, 7}, {3, 33, 100}, {1, 7, 257}, {2, 5, 64}
    };

    @ParameterizedTest
    @EnumSource
    void vectorPerSampleIsAdded(Storage storage) {
        for (int[] size : SIZES) {
            int c = size[2];
            int count = size[0] * size[1] * c;
            try (Emulator device = new Emulator(c)) {
                float[] x = device.normal(storage, count);
                float[] b = device.normal(storage, size[0] * c);
                long y = device.empty(storage, count);
                Extents extents = new Extents((long) size[0] * size[1], c);
                device.run(
                        ChannelsKernel.add(
                                storage,
                                y,
                                device.upload(storage, x),
                                device.upload(storage, b),
                                extents,
                                size[1]));
                double[] expected = new double[count];
                for (int i = 0; i < count; i++) {
                    expected[i] = (double) x[i] + b[i / (size[1] * c) * c + i % c];
                }
                new Close(0, Close.F32_ROUNDING)
                        .storedAs(storage)
                        .check("add " + extents, expected, device.read(storage, y, count));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void biasActivationAndResidualMatch(Storage storage) {
        for (int[] size : SIZES) {
            for (Then then : Then.values()) {
                checkBias(
                        storage, new Extents((long) size[0] * size[1], size[2]), then, size[0] > 1);
            }
        }
    }

    private static void checkBias(Storage storage, Extents extents, Then then, boolean residual) {
        int count = (int) extents.count();
        try (Emulator device = new Emulator(count)) {
            float[] x = device.normal(storage, count);
            float[] bias = device.normal(Storage.F32, extents.channels());
            float[] more = residual ? device.normal(storage, count) : new float[count];
            long y = device.empty(storage, count);
            device.run(
                    ChannelsKernel.bias(
                            storage,
                            then,
                            y,
                            new Biased(
                                    device.upload(storage, x),
                                    device.upload(Storage.F32, bias),
                                    residual ? device.upload(storage, more) : 0),
                            extents));
            double[] expected = new double[count];
            for (int i = 0; i < count; i++) {
                double u = (double) x[i] + bias[i % extents.channels()];
                double v =
                        then == Then.IDENTITY
                                ? u
                                : Activations.value(Unary.valueOf(then.name())).applyAsDouble(u);
                expected[i] = v + more[i];
            }
            Close.f32(8, 16)
                    .storedAs(storage)
                    .check(then + " " + extents, expected, device.read(storage, y, count));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "F32"})
    void movesKeepEveryElement(Storage storage) {
        int[][] sizes = {{1, 1, 1}, {31, 7, 3}, {33, 100, 28}, {7, 257, 4}, {100, 8, 64}};
        for (int[] size : sizes) {
            int a = size[1];
            int b = size[2];
            try (Emulator device = new Emulator(a)) {
                float[] x = device.normal(storage, size[0] * a);
                float[] z = device.normal(storage, size[0] * b);
                float[] joint = new float[x.length + z.length];
                float[] padded = new float[joint.length];
                for (int row = 0; row < size[0]; row++) {
                    System.arraycopy(x, row * a, joint, row * (a + b), a);
                    System.arraycopy(z, row * b, joint, row * (a + b) + a, b);
                    System.arraycopy(z, row * b, padded, row * (a + b) + a, b);
                }
                Extents whole = new Extents(size[0], a + b);
                Range range = new Range(a, b);
                long y = device.empty(storage, joint.length);
                long part = device.empty(storage, z.length);
                long wide = device.empty(storage, joint.length);
                device.run(
                        ChannelsKernel.concat(
                                storage,
                                y,
                                device.upload(storage, x),
                                device.upload(storage, z),
                                new Extents(size[0], a),
                                b));
                device.run(ChannelsKernel.slice(storage, part, y, whole, range));
                device.run(ChannelsKernel.pad(storage, wide, part, whole, range));
                assertArrayEquals(joint, device.read(storage, y, joint.length));
                assertArrayEquals(z, device.read(storage, part, z.length));
                assertArrayEquals(padded, device.read(storage, wide, padded.length));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void trafficIsTheLowerBound(Storage storage) {
        Extents extents = new Extents(128, 64);
        int count = 128 * 64;
        long bytes = (long) count * storage.sizeBytes();
        try (Emulator device = new Emulator(1)) {
            long x = device.upload(storage, device.normal(storage, count));
            long z = device.upload(storage, device.normal(storage, count));
            long b = device.upload(Storage.F32, device.normal(Storage.F32, 64));
            long y = device.empty(storage, 2L * count);
            device.runWithin(ChannelsKernel.add(storage, y, x, z, extents, 128), 2 * bytes);
            device.runWithin(
                    ChannelsKernel.bias(storage, Then.GELU, y, new Biased(x, b, z), extents),
                    3 * bytes);
            device.runWithin(ChannelsKernel.concat(storage, y, x, z, extents, 64), 4 * bytes);
            Extents whole = new Extents(128, 128);
            Range range = new Range(64, 64);
            device.runWithin(ChannelsKernel.slice(storage, x, y, whole, range), 2 * bytes);
            device.runWithin(ChannelsKernel.pad(storage, y, x, whole, range), 3 * bytes);
        }
    }

    @Test
    void rangeBeyondTheRowIsRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () ->
                        ChannelsKernel.slice(
                                Storage.F32, 256, 512, new Extents(2, 8), new Range(4, 5)));
    }
}
