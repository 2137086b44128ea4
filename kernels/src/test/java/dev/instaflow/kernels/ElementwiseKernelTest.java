package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.kernels.ElementwiseKernel.Binary;
import dev.instaflow.kernels.ElementwiseKernel.Unary;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ElementwiseKernelTest {
    private static final int[] COUNTS = {1, 7, 31, 33, 100, 257, 2049};

    /** expf and erff are good to 2 ulp each, and a handful of operations follow. */
    private static final int ROUNDINGS = 16;

    /** Standard normal numbers stay below, and so do the functions of them. */
    private static final double MAGNITUDE = 6;

    @ParameterizedTest
    @EnumSource
    void binaryMatchesAtOddCounts(Storage storage) {
        for (int count : COUNTS) {
            try (Emulator device = new Emulator(count)) {
                float[] a = device.normal(storage, count);
                float[] b = device.normal(storage, count);
                for (Binary f : Binary.values()) {
                    long y = device.empty(storage, count);
                    device.run(
                            ElementwiseKernel.binary(
                                    storage,
                                    f,
                                    y,
                                    device.upload(storage, a),
                                    device.upload(storage, b),
                                    count));
                    double[] expected = new double[count];
                    for (int i = 0; i < count; i++) {
                        expected[i] = f == Binary.ADD ? (double) a[i] + b[i] : (double) a[i] * b[i];
                    }
                    new Close(0, Close.F32_ROUNDING)
                            .storedAs(storage)
                            .check(f + " of " + count, expected, device.read(storage, y, count));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void activationsAndGradientsMatchAtOddCounts(Storage storage) {
        for (int count : COUNTS) {
            for (Unary f : Unary.values()) {
                checkActivation(storage, f, count, 1);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void activationsStayFiniteFarOut(Storage storage) {
        for (Unary f : Unary.values()) {
            checkActivation(storage, f, 257, 60);
        }
    }

    private static void checkActivation(Storage storage, Unary f, int count, float spread) {
        try (Emulator device = new Emulator(count)) {
            float[] x = device.normal(storage, count);
            for (int i = 0; i < count; i++) {
                x[i] = Half.round(storage, x[i] * spread);
            }
            float[] dy = device.normal(storage, count);
            long xAddress = device.upload(storage, x);
            long y = device.empty(storage, count);
            long dx = device.upload(storage, dy);
            device.run(ElementwiseKernel.unary(storage, f, y, xAddress, count));
            // In place: the gradient may take the place of dy.
            device.run(ElementwiseKernel.unaryGradient(storage, f, dx, xAddress, dx, count));
            double[] value = new double[count];
            double[] gradient = new double[count];
            DoubleUnaryOperator function = Activations.value(f);
            for (int i = 0; i < count; i++) {
                value[i] = function.applyAsDouble(x[i]);
                gradient[i] = dy[i] * Activations.slope(f, x[i]);
            }
            Close close = Close.f32(MAGNITUDE * spread, ROUNDINGS).storedAs(storage);
            close.check(f + " of " + count, value, device.read(storage, y, count));
            close.check(f + " gradient of " + count, gradient, device.read(storage, dx, count));
        }
    }

    @ParameterizedTest
    @EnumSource
    void trafficIsTheLowerBound(Storage storage) {
        int count = 8192;
        long bytes = (long) count * storage.sizeBytes();
        try (Emulator device = new Emulator(5)) {
            long a = device.upload(storage, device.normal(storage, count));
            long b = device.upload(storage, device.normal(storage, count));
            long y = device.empty(storage, count);
            for (Binary f : Binary.values()) {
                device.runWithin(ElementwiseKernel.binary(storage, f, y, a, b, count), 3 * bytes);
            }
            for (Unary f : Unary.values()) {
                device.runWithin(ElementwiseKernel.unary(storage, f, y, a, count), 2 * bytes);
                device.runWithin(
                        ElementwiseKernel.unaryGradient(storage, f, y, a, b, count), 3 * bytes);
            }
        }
    }

    @Test
    void absentOrMisalignedOperandIsRefused() {
        for (long address : new long[] {0, 8}) {
            String message =
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () ->
                                            ElementwiseKernel.unary(
                                                    Storage.F32, Unary.SILU, 256, address, 4))
                            .getMessage();
            assertTrue(message.contains("x lies at"), message);
        }
        assertThrows(
                IllegalArgumentException.class,
                () -> ElementwiseKernel.unary(Storage.F32, Unary.SILU, 256, 256, 0));
    }
}
