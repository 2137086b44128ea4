package dev.instaflow.kernels;

import dev.instaflow.kernels.ElementwiseKernel.Unary;
import dev.instaflow.kernels.GegluKernel.Input;
import dev.instaflow.kernels.GegluKernel.Spec;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GegluKernelTest {
    private static final int[][] SIZES = {{1, 1}, {31, 7}, {33, 100}, {7, 257}, {9, 64}};

    /** A product of values of up to 6 with a function that is good to a few ulp. */
    private static final Close CLOSE = Close.f32(36, 16);

    @ParameterizedTest
    @EnumSource
    void forwardAndGradientMatchAtOddSizes(Storage storage) {
        for (int[] size : SIZES) {
            check(new Spec(storage, size[0], size[1]), true);
            check(new Spec(storage, size[0], size[1]), false);
        }
    }

    private static void check(Spec spec, boolean biased) {
        Storage storage = spec.storage();
        int f = spec.width();
        int count = spec.rows() * f;
        try (Emulator device = new Emulator(count)) {
            float[] x = device.normal(storage, 2 * count);
            float[] dy = device.normal(storage, count);
            float[] bias = biased ? device.normal(Storage.F32, 2 * f) : new float[2 * f];
            Input input =
                    new Input(
                            device.upload(storage, x),
                            biased ? device.upload(Storage.F32, bias) : 0);
            long y = device.empty(storage, count);
            long dx = device.empty(storage, 2L * count);
            device.run(GegluKernel.forward(spec, y, input));
            device.run(GegluKernel.backward(spec, dx, input, device.upload(storage, dy)));
            double[] value = new double[count];
            double[] gradient = new double[2 * count];
            for (int i = 0; i < count; i++) {
                int at = i / f * 2 * f + i % f;
                double a = (double) x[at] + bias[i % f];
                double b = (double) x[at + f] + bias[f + i % f];
                double gate = Activations.value(Unary.GELU).applyAsDouble(b);
                value[i] = a * gate;
                gradient[at] = dy[i] * gate;
                gradient[at + f] = dy[i] * a * Activations.slope(Unary.GELU, b);
            }
            CLOSE.storedAs(storage).check(spec + " y", value, device.read(storage, y, count));
            CLOSE.storedAs(storage)
                    .check(spec + " dx", gradient, device.read(storage, dx, 2 * count));
        }
    }

    @ParameterizedTest
    @EnumSource
    void trafficIsTheLowerBound(Storage storage) {
        Spec spec = new Spec(storage, 64, 128);
        int count = 64 * 128;
        long bytes = (long) count * storage.sizeBytes();
        try (Emulator device = new Emulator(1)) {
            Input input = new Input(device.upload(storage, device.normal(storage, 2 * count)), 0);
            long y = device.upload(storage, device.normal(storage, count));
            long dx = device.empty(storage, 2L * count);
            device.runWithin(GegluKernel.backward(spec, dx, input, y), 5 * bytes);
            device.runWithin(GegluKernel.forward(spec, y, input), 3 * bytes);
        }
    }
}
