package dev.instaflow.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.standin.StandInSettings;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Weights from files of every type come to the device as they were. */
class WeightsOnCudaTest {
    private CudaTestDevice device;

    @BeforeEach
    void start() {
        device = CudaTestDevice.start(StandInSettings.checked());
    }

    @AfterEach
    void leavesNothing() {
        device.requireNoLeaks();
    }

    /** Small integers and halves, which every type holds exactly. */
    private static float value(long i) {
        return (i % 61 - 30) / 2f;
    }

    /** The bits of {@link #value} in the upper half of an F32, or in an F16. */
    private static short bits(DType type, float value) {
        int bits = Float.floatToIntBits(value);
        if (type == DType.BF16) {
            return (short) (bits >>> 16);
        }
        int exponent = value == 0 ? 0 : Math.getExponent(value) + 15;
        return (short) (bits >>> 16 & 0x8000 | exponent << 10 | bits >>> 13 & 0x3ff);
    }

    /** A file's tensor. */
    private record Stored(DType stored) implements FloatSource {
        @Override
        public void read(long first, float[] target, int offset, int length) {
            for (int i = 0; i < length; i++) {
                target[offset + i] = value(first + i);
            }
        }

        @Override
        public void readStored(long first, ByteBuffer target) throws IOException {
            if (stored == DType.F32) {
                FloatSource.super.readStored(first, target);
                return;
            }
            target.order(ByteOrder.nativeOrder());
            for (long i = first; target.hasRemaining(); i++) {
                target.putShort(bits(stored, value(i)));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "F32,F32",
        "F32,F16",
        "F32,BF16",
        "F16,F32",
        "F16,F16",
        "F16,BF16",
        "BF16,F32",
        "BF16,F16",
        "BF16,BF16"
    })
    void everyFormReadsBackAsItWas(Precision precision, DType stored) throws IOException {
        try (CudaBackend backend = device.openApart(precision)) {
            check(backend, stored, WeightForm.LINEAR, Shape.of(31, 17));
            check(backend, stored, WeightForm.PLAIN, Shape.of(77));
            check(
                    backend,
                    stored,
                    new WeightForm.Conv(ConvSpec.SAME_3X3, 0, 0),
                    Shape.of(5, 7, 3, 3));
            check(
                    backend,
                    stored,
                    new WeightForm.Conv(ConvSpec.POINTWISE, 0, 0),
                    Shape.of(9, 4, 1, 1));
        }
    }

    /** More than the two buffers hold at once. */
    @ParameterizedTest
    @CsvSource({"F32,F32", "F16,F32", "F16,F16"})
    void aWeightOfManyBuffersIsWhole(Precision precision, DType stored) throws IOException {
        Shape shape = Shape.of(2600, 1030);
        assertTrue(shape.count() * 2 > PinnedBuffers.BYTES);
        try (CudaBackend backend = device.openApart(precision)) {
            check(backend, stored, WeightForm.LINEAR, shape);
        }
    }

    private static void check(CudaBackend backend, DType stored, WeightForm form, Shape shape)
            throws IOException {
        float[] expected = new float[Math.toIntExact(shape.count())];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = value(i);
        }
        try (Tensor weight = backend.upload("w", form, shape, new Stored(stored));
                Scope scope = backend.openScope("read")) {
            assertArrayEquals(expected, scope.ops().toArray(weight), form + " " + shape);
        }
    }

    @ParameterizedTest
    @CsvSource({"F32", "F16"})
    void weightsAreRefusedWhereTheyWereNotMadeFor(Precision precision) throws IOException {
        try (CudaBackend backend = device.openApart(precision);
                Tensor linear =
                        backend.upload(
                                "linear",
                                WeightForm.LINEAR,
                                Shape.of(4, 4),
                                new Stored(DType.F32));
                Scope scope = backend.openScope("misuse")) {
            assertEquals(precision.name(), linear.dtype().name());
            Tensor x = scope.ops().tensor("x", Shape.of(4, 4), new float[16]);
            IllegalArgumentException error =
                    assertThrows(IllegalArgumentException.class, () -> scope.ops().linear(x, x));
            assertTrue(error.getMessage().contains("not uploaded as a LINEAR"), error.getMessage());
        }
    }
}
