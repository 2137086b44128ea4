package dev.instaflow.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.WeightStorage;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.SmallFloats;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Weights kept as stored: the same bits, fewer bytes. */
class WeightStorageTest {
    /** Random values that F16 or BF16 hold, some of them subnormal halves, as a file would have them. */
    private record Stored(DType stored, float[] floats, byte[] bytes) implements FloatSource {
        static Stored of(DType type, Shape shape, long seed) {
            Random random = new Random(seed);
            int count = Math.toIntExact(shape.count());
            float[] floats = new float[count];
            ByteBuffer bytes =
                    ByteBuffer.allocate(count * type.sizeBytes()).order(ByteOrder.nativeOrder());
            for (int i = 0; i < count; i++) {
                float value = (float) random.nextGaussian() * (i % 5 == 0 ? 1e-6f : 0.1f);
                switch (type) {
                    case F16 -> {
                        short bits = SmallFloats.floatToF16(value);
                        bytes.putShort(bits);
                        floats[i] = SmallFloats.f16ToFloat(bits);
                    }
                    case BF16 -> {
                        short bits = SmallFloats.floatToBf16(value);
                        bytes.putShort(bits);
                        floats[i] = Float.intBitsToFloat(bits << 16);
                    }
                    default -> {
                        bytes.putFloat(value);
                        floats[i] = value;
                    }
                }
            }
            return new Stored(type, floats, bytes.array());
        }

        @Override
        public void read(long first, float[] target, int offset, int length) {
            System.arraycopy(floats, Math.toIntExact(first), target, offset, length);
        }

        @Override
        public void readStored(long first, ByteBuffer target) {
            target.put(bytes, Math.toIntExact(first) * stored.sizeBytes(), target.remaining());
        }
    }

    static Stream<Arguments> weights() {
        WeightForm direct = new WeightForm.Conv(ConvSpec.SAME_3X3, 8, 8);
        WeightForm large = new WeightForm.Conv(ConvSpec.SAME_3X3, 64, 64);
        return Stream.of(DType.F32, DType.F16, DType.BF16)
                .flatMap(
                        type ->
                                Stream.of(
                                        Arguments.of(type, WeightForm.LINEAR, Shape.of(193, 70)),
                                        Arguments.of(type, WeightForm.LINEAR, Shape.of(2048, 320)),
                                        Arguments.of(type, direct, Shape.of(130, 65, 3, 3)),
                                        Arguments.of(type, large, Shape.of(128, 64, 3, 3)),
                                        Arguments.of(
                                                type,
                                                new WeightForm.UpsampledConv(32, 32),
                                                Shape.of(64, 64, 3, 3)),
                                        Arguments.of(type, WeightForm.PLAIN, Shape.of(40_001))));
    }

    private static CpuBackend open(WeightStorage storage) {
        return CpuBackend.open(new CpuSettings(2, storage));
    }

    @ParameterizedTest
    @MethodSource("weights")
    void packedAndStoredWeightsGiveTheSameBits(DType type, WeightForm form, Shape shape)
            throws IOException {
        Stored values = Stored.of(type, shape, 11);
        float[] expected;
        try (CpuBackend backend = open(WeightStorage.PACKED);
                Tensor w = backend.upload("w", form, shape, FloatSource.of(values.floats()))) {
            expected = result(backend, w, form);
        }
        for (WeightStorage storage : List.of(WeightStorage.PACKED, WeightStorage.AS_STORED)) {
            try (CpuBackend backend = open(storage);
                    Tensor w = backend.upload("w", form, shape, values)) {
                assertArrayEquals(expected, result(backend, w, form));
                assertArrayEquals(expected, result(backend, w, form));
            }
        }
    }

    private static float[] result(CpuBackend backend, Tensor w, WeightForm form)
            throws IOException {
        if (form instanceof WeightForm.Plain) {
            try (Scope scope = backend.openScope("read")) {
                return scope.ops().toArray(w);
            }
        }
        long co = w.shape().size(0);
        Shape image =
                form instanceof WeightForm.Linear
                        ? Shape.of(1, 9, w.shape().size(1))
                        : Shape.of(1, 32, 33, w.shape().size(1));
        float[] x = Stored.of(DType.F32, image, 5).floats();
        try (Tensor bias =
                        backend.upload(
                                "b",
                                WeightForm.PLAIN,
                                Shape.of(co),
                                Stored.of(DType.F32, Shape.of(co), 7));
                Scope scope = backend.openScope("use")) {
            Ops ops = scope.ops();
            Tensor in = ops.tensor("x", image, x);
            Tensor y;
            if (form instanceof WeightForm.Linear) {
                y = co % 2 == 0 ? ops.linearGeglu(in, w, bias) : ops.linear(in, w, bias);
            } else if (form instanceof WeightForm.UpsampledConv) {
                y = ops.upsampleConv2d(in, w, bias);
            } else {
                y = ops.conv2d(ConvSpec.SAME_3X3, in, w, bias);
            }
            return ops.toArray(y);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "F16", "BF16"})
    void aStoredWeightTakesTheBytesOfTheFile(DType type) throws IOException {
        Shape shape = Shape.of(512, 512);
        try (CpuBackend backend = open(WeightStorage.AS_STORED);
                Tensor w =
                        backend.upload("w", WeightForm.LINEAR, shape, Stored.of(type, shape, 1))) {
            assertEquals(shape.count() * type.sizeBytes(), backend.heldBytes());
            assertArrayEquals(Stored.of(type, shape, 1).floats(), read(backend, w));
        }
    }

    private static float[] read(CpuBackend backend, Tensor w) {
        try (Scope scope = backend.openScope("read")) {
            return scope.ops().toArray(w);
        }
    }

    @Test
    void repeatedUseAsksTheSystemForNothing() throws IOException {
        Shape shape = Shape.of(640, 640);
        try (CpuBackend backend = open(WeightStorage.AS_STORED);
                Tensor w =
                        backend.upload(
                                "w", WeightForm.LINEAR, shape, Stored.of(DType.F16, shape, 1))) {
            result(backend, w, WeightForm.LINEAR);
            long held = backend.heldBytes();
            for (int i = 0; i < 3; i++) {
                result(backend, w, WeightForm.LINEAR);
            }
            assertEquals(held, backend.heldBytes());
        }
    }

    @Test
    void threadsShareAStoredWeight() throws Exception {
        Shape shape = Shape.of(640, 320);
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (CpuBackend backend = open(WeightStorage.AS_STORED);
                Tensor w =
                        backend.upload(
                                "w", WeightForm.LINEAR, shape, Stored.of(DType.BF16, shape, 1))) {
            float[] expected = result(backend, w, WeightForm.LINEAR);
            var results =
                    Stream.generate(
                                    () ->
                                            threads.submit(
                                                    () -> result(backend, w, WeightForm.LINEAR)))
                            .limit(12)
                            .toList();
            for (Future<float[]> result : results) {
                assertArrayEquals(expected, result.get());
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void aStoredWeightCannotBeTrained() throws IOException {
        Shape shape = Shape.of(8, 8);
        try (CpuBackend backend = open(WeightStorage.AS_STORED);
                Tensor w =
                        backend.upload(
                                "w", WeightForm.LINEAR, shape, Stored.of(DType.F16, shape, 1))) {
            IllegalArgumentException error =
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> backend.update(w, FloatSource.of(new float[64])));
            assertTrue(error.getMessage().contains("kept as stored"), error.getMessage());
        }
    }

    @ParameterizedTest
    @EnumSource(WeightStorage.class)
    void aFailingSourceLeavesNothingBehind(WeightStorage storage) {
        FloatSource failing =
                (first, target, offset, length) -> {
                    throw new IOException("disk gone");
                };
        try (CpuBackend backend = open(storage)) {
            Shape shape = Shape.of(512, 2048); // several slices, on both threads
            IOException error =
                    assertThrows(
                            IOException.class,
                            () -> backend.upload("w", WeightForm.LINEAR, shape, failing));
            assertEquals("disk gone", error.getMessage());
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F16", "BF16"})
    void whereTheLibraryCannotWidenJavaDoes(DType type) throws IOException {
        Shape shape = Shape.of(50_000);
        Stored values = Stored.of(type, shape, 3);
        try (CpuBackend backend = open(WeightStorage.PACKED);
                Tensor plain = backend.engine().allocate("plain", shape)) {
            long to = backend.engine().address(plain);
            new StoredValues(backend.engine()).readFloats(values, 0, to, shape.count());
            assertArrayEquals(values.floats(), read(backend, plain));
        }
    }
}
