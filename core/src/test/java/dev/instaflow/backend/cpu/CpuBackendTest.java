package dev.instaflow.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Memory, threads and errors; what is computed is {@link CpuOpsContractTest}'s matter. */
class CpuBackendTest {
    private static final ConvSpec SAME = ConvSpec.SAME_3X3;
    private static final GroupNormSpec NORM = new GroupNormSpec(8, 1e-5f, Activation.SILU);

    private final CpuBackend backend = CpuBackend.open(CpuSettings.AUTOMATIC);
    private final List<Tensor> weights = new ArrayList<>();

    @AfterEach
    void close() {
        weights.forEach(Tensor::close);
        backend.close();
        assertEquals(0, backend.heldBytes());
    }

    private Tensor upload(String name, WeightForm form, long... sizes) throws IOException {
        Shape shape = Shape.of(sizes);
        Tensor weight = backend.upload(name, form, shape, FloatSource.of(random(7, shape)));
        weights.add(weight);
        return weight;
    }

    private static float[] random(long seed, Shape shape) {
        Random random = new Random(seed);
        float[] values = new float[Math.toIntExact(shape.count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** A small network that uses every family of operations. */
    private final class Network {
        final Tensor conv = upload("conv", new WeightForm.Conv(SAME, 16, 16), 64, 64, 3, 3);
        final Tensor linear = upload("linear", WeightForm.LINEAR, 64, 64);
        final Tensor wide = upload("wide", WeightForm.LINEAR, 256, 64);
        final Tensor bias = upload("bias", WeightForm.PLAIN, 64);
        final Tensor wideBias = upload("wide bias", WeightForm.PLAIN, 256);

        Network() throws IOException {}

        float[] run(long seed) {
            try (Scope scope = backend.openScope("network")) {
                Ops ops = scope.ops();
                Shape shape = Shape.of(2, 16, 16, 64);
                Tensor x = ops.tensor("x", shape, random(seed, shape));
                Tensor h = ops.groupNorm(NORM, x, bias, bias);
                h = ops.conv2dAdd(SAME, h, conv, bias, x);
                Tensor tokens = ops.view(h, Shape.of(2, 256, 64));
                tokens = ops.layerNorm(tokens, bias, bias, 1e-5f);
                Tensor q = ops.linear(tokens, linear);
                AttentionSpec heads = new AttentionSpec(4, AttentionSpec.Mask.NONE);
                tokens = ops.linearAdd(ops.attention(heads, q, q, q), linear, bias, tokens);
                tokens = ops.linearGeglu(tokens, wide, wideBias);
                Tensor up = ops.upsampleNearest(ops.view(tokens, Shape.of(2, 16, 16, 128)), 20, 17);
                return ops.toArray(ops.sliceChannels(up, 3, 77));
            }
        }
    }

    @Test
    void aRepeatedRunMakesNoNativeAllocationAndGivesTheSameBits() throws IOException {
        Network network = new Network();
        float[] first = network.run(1);
        long held = backend.heldBytes();
        long allocations = backend.engine().pool().systemCalls();
        for (int i = 0; i < 3; i++) {
            assertArrayEquals(first, network.run(1));
        }
        assertEquals(held, backend.heldBytes());
        assertEquals(allocations, backend.engine().pool().systemCalls());
    }

    @Test
    void manyThreadsShareWeightsAndGetTheSameBits() throws Exception {
        Network network = new Network();
        List<float[]> expected = new ArrayList<>();
        for (int seed = 0; seed < 4; seed++) {
            expected.add(network.run(seed));
        }
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<float[]>> results = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            int seed = i % 4;
            results.add(threads.submit(() -> network.run(seed)));
        }
        for (int i = 0; i < results.size(); i++) {
            assertArrayEquals(expected.get(i % 4), results.get(i).get(), "run " + i);
        }
        threads.shutdown();
    }

    @Test
    void statisticsDoNotDependOnTheThreadCount() throws IOException {
        Shape shape = Shape.of(1, 64, 64, 96);
        float[][] results = new float[2][];
        for (int threads = 1; threads <= 2; threads++) {
            try (CpuBackend other = CpuBackend.open(new CpuSettings(threads));
                    Tensor gamma =
                            other.upload(
                                    "gamma",
                                    WeightForm.PLAIN,
                                    Shape.of(96),
                                    FloatSource.of(random(3, Shape.of(96))));
                    Scope scope = other.openScope("norm")) {
                Tensor x = scope.ops().tensor("x", shape, random(5, shape));
                results[threads - 1] =
                        scope.ops().toArray(scope.ops().groupNorm(NORM, x, gamma, gamma));
            }
        }
        assertArrayEquals(results[0], results[1]);
    }

    @ParameterizedTest
    @CsvSource({"1,1,3", "4,320,3", "31,5,3", "96,64,3", "320,7,1", "130,257,3", "640,640,1"})
    void packedConvolutionWeightsReadBackAsTheyWere(int co, int ci, int k) throws IOException {
        ConvSpec spec = k == 1 ? ConvSpec.POINTWISE : SAME;
        Tensor weight = upload("w", new WeightForm.Conv(spec, 0, 0), co, ci, k, k);
        try (Scope scope = backend.openScope("read")) {
            assertArrayEquals(random(7, weight.shape()), scope.ops().toArray(weight));
        }
    }

    @ParameterizedTest
    @CsvSource({"1,1", "31,5", "64,64", "1000,3", "2600,1030"})
    void packedMatricesReadBackAsTheyWere(int out, int in) throws IOException {
        Tensor weight = upload("w", WeightForm.LINEAR, out, in);
        try (Scope scope = backend.openScope("read")) {
            assertArrayEquals(random(7, weight.shape()), scope.ops().toArray(weight));
        }
    }

    @Test
    void rowsBeyondTwoGigabytesAreReached() {
        long rows = (1L << 22) + 3;
        int e = 192; // 3.0 GiB, of which only the pages written here become real
        try (Scope scope = backend.openScope("large")) {
            Ops ops = scope.ops();
            Tensor table = backend.engine().allocate("table", Shape.of(rows, e));
            try (table) {
                float[] row = random(11, Shape.of(e));
                long at = backend.engine().address(table) + CpuStorage.bytesOf((rows - 1) * e);
                new FloatCursor().write(at, row, e);
                int last = Math.toIntExact(rows - 1);
                Tensor gathered = ops.gatherRows(table, new int[] {last}, Shape.of(1, 1));
                assertArrayEquals(row, ops.toArray(gathered));
                assertArrayEquals(row, ops.toArray(ops.sliceBatch(table, last, rows)));
                Tensor square = ops.view(table, Shape.of(1, rows, e));
                assertEquals(rows * e, square.shape().count());
            }
        }
    }

    @Test
    void closingWithLiveTensorsNamesShapeAndSize() {
        Tensor left;
        try (Scope scope = backend.openScope("root")) {
            left = scope.escape(scope.ops().tensor("h", Shape.of(2, 512), new float[1024]));
        }
        IllegalStateException error = assertThrows(IllegalStateException.class, backend::close);
        assertTrue(error.getMessage().contains("\"h\" [2,512] F32, 4.0 KiB"), error.getMessage());
        left.close();
    }

    @Test
    void aClosedBackendRefusesWork() {
        CpuBackend other = CpuBackend.open(CpuSettings.AUTOMATIC);
        other.close();
        other.close();
        assertThrows(IllegalStateException.class, () -> other.openScope("late"));
    }

    @Test
    void weightsAreRefusedWhereTheyWereNotPackedFor() throws IOException {
        Tensor linear = upload("linear.weight", WeightForm.LINEAR, 4, 4);
        Tensor bias = upload("linear.bias", WeightForm.PLAIN, 4);
        try (Scope scope = backend.openScope("misuse")) {
            Ops ops = scope.ops();
            Tensor x = ops.tensor("x", Shape.of(4, 4), new float[16]);
            IllegalArgumentException plain =
                    assertThrows(IllegalArgumentException.class, () -> ops.add(linear, x));
            assertTrue(plain.getMessage().contains("packed as a LINEAR"), plain.getMessage());
            IllegalArgumentException packed =
                    assertThrows(IllegalArgumentException.class, () -> ops.linear(x, x));
            assertTrue(packed.getMessage().contains("not uploaded as"), packed.getMessage());
            assertThrows(
                    IllegalArgumentException.class, () -> ops.linearAdd(x, linear, bias, bias));
        }
    }

    @Test
    void tensorsOfAnotherBackendAreRefused() {
        try (CpuBackend other = CpuBackend.open(CpuSettings.AUTOMATIC);
                Scope here = backend.openScope("here");
                Scope there = other.openScope("there")) {
            Tensor x = here.ops().tensor("x", Shape.of(1), new float[1]);
            IllegalArgumentException error =
                    assertThrows(IllegalArgumentException.class, () -> there.ops().add(x, x));
            assertTrue(error.getMessage().contains("\"x\" [1]"), error.getMessage());
        }
    }

    @Test
    void aFailingSourceLeavesNothingBehind() {
        FloatSource failing =
                (first, target, offset, length) -> {
                    throw new IOException("disk gone");
                };
        for (WeightForm form : List.of(WeightForm.PLAIN, WeightForm.LINEAR)) {
            Shape shape = Shape.of(8, 8);
            assertThrows(IOException.class, () -> backend.upload("w", form, shape, failing));
        }
    }

    @Test
    void sizesAndHeldBytesAreTheTensors() {
        long before = backend.heldBytes();
        try (Scope scope = backend.openScope("held")) {
            scope.ops().tensor("x", Shape.of(1 << 18), new float[1 << 18]);
            assertEquals(before + (1 << 20), backend.heldBytes());
        }
    }

    @Test
    void thePlanCacheIsBounded() {
        try (Scope scope = backend.openScope("plans");
                PlanCache cache = new PlanCache(2)) {
            Ops ops = scope.ops();
            Tensor x = ops.tensor("x", Shape.of(8), new float[8]);
            ops.add(x, x);
            for (int i = 0; i < 5; i++) {
                PlanKey key = new PlanKey(PlanKey.Op.BINARY, i);
                cache.add(key, eltwise(key)).release();
            }
            assertEquals(2, cache.size());
            PlanKey held = new PlanKey(PlanKey.Op.BINARY, 4);
            Plan plan = cache.get(held);
            for (int i = 5; i < 9; i++) {
                PlanKey key = new PlanKey(PlanKey.Op.BINARY, i);
                cache.add(key, eltwise(key)).release();
            }
            assertEquals(plan, cache.get(held));
        }
    }

    private Plan eltwise(PlanKey key) {
        return new Elementwise(backend.engine()).activationPlan(key, Activation.SILU, 8);
    }
}
