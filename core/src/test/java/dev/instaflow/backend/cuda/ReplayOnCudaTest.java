package dev.instaflow.backend.cuda;

import static jcuda.driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.standin.StandInSettings;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Programs that are recorded and played, on a small network that has every kind of operation. */
class ReplayOnCudaTest {
    private static final int CAPTURE_INVALIDATED = 901;

    private final List<Tensor> weights = new ArrayList<>();
    private CudaTestDevice device;
    private CudaBackend backend;
    private Tensor conv;
    private Tensor linear;
    private Tensor wide;
    private Tensor bias;
    private Tensor wideBias;
    private final Ops.Program network = (ops, inputs) -> network(ops, inputs.get(0), inputs.get(1));

    @BeforeEach
    void open() throws IOException {
        device = CudaTestDevice.start(StandInSettings.checked());
        backend = device.openApart(Precision.F16);
        conv = upload(new WeightForm.Conv(ConvSpec.SAME_3X3, 0, 0), 16, 16, 3, 3);
        linear = upload(WeightForm.LINEAR, 16, 16);
        wide = upload(WeightForm.LINEAR, 64, 16);
        bias = upload(WeightForm.PLAIN, 16);
        wideBias = upload(WeightForm.PLAIN, 64);
    }

    @AfterEach
    void close() {
        weights.forEach(Tensor::close);
        backend.close();
        device.requireNoLeaks();
    }

    private Tensor upload(WeightForm form, long... sizes) throws IOException {
        Shape shape = Shape.of(sizes);
        Tensor weight =
                backend.upload("w", form, shape, FloatSource.of(random(weights.size(), shape)));
        weights.add(weight);
        return weight;
    }

    private static float[] random(long seed, Shape shape) {
        Random random = new Random(seed);
        float[] values = new float[Math.toIntExact(shape.count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian() / 4;
        }
        return values;
    }

    private Tensor network(Ops outer, Tensor x, Tensor shift) {
        try (Scope scope = outer.openScope()) {
            Ops ops = scope.ops();
            GroupNormSpec norm = new GroupNormSpec(4, 1e-5f, Activation.SILU);
            Tensor h = ops.groupNorm(norm, x, bias, bias);
            h = ops.conv2dAddPerChannel(ConvSpec.SAME_3X3, h, conv, bias, shift);
            h =
                    ops.conv2dAdd(
                            ConvSpec.DOWN_ASYMMETRIC,
                            h,
                            conv,
                            bias,
                            ops.conv2d(ConvSpec.DOWN_SYMMETRIC, x, conv, bias));
            Tensor tokens = ops.layerNorm(h, bias, bias, 1e-5f);
            Shape image = tokens.shape();
            tokens = ops.view(tokens, Shape.of(image.size(0), image.size(1) * image.size(2), 16));
            Tensor q = ops.linear(tokens, linear);
            AttentionSpec heads = new AttentionSpec(2, AttentionSpec.Mask.NONE);
            tokens = ops.linearAdd(ops.attention(heads, q, q, q), linear, bias, tokens);
            tokens = ops.linearGeglu(tokens, wide, wideBias);
            return scope.escape(
                    ops.concatChannels(tokens, ops.activation(Activation.GELU, tokens)));
        }
    }

    private List<Tensor> inputs(Ops ops, long seed, int n, int side) {
        Shape image = Shape.of(n, side, side, 16);
        Shape rows = Shape.of(n, 16);
        return List.of(
                ops.tensor("x", image, random(seed, image)),
                ops.tensor("shift", rows, random(seed + 1, rows)));
    }

    private float[] played(long seed, int n, int side) {
        try (Scope scope = backend.openScope("played")) {
            Ops ops = scope.ops();
            return ops.toArray(ops.replay(network, inputs(ops, seed, n, side)));
        }
    }

    private float[] plain(long seed, int n, int side) {
        try (Scope scope = backend.openScope("plain")) {
            Ops ops = scope.ops();
            return ops.toArray(network.run(ops, inputs(ops, seed, n, side)));
        }
    }

    @Test
    void whatIsPlayedIsWhatIsComputedToTheBit() {
        for (long seed = 0; seed < 5; seed++) {
            assertArrayEquals(plain(seed, 2, 6), played(seed, 2, 6), "run " + seed);
            assertArrayEquals(plain(seed, 1, 4), played(seed, 1, 4), "run of another size " + seed);
        }
        assertEquals("", backend.engine().recordings().refusal());
    }

    @Test
    void aPlayedProgramIsOneLaunch() {
        CallCounter counter = backend.engine().context().counter();
        long[] launches = new long[4];
        long[] calls = new long[4];
        for (int run = 0; run < launches.length; run++) {
            long launchesBefore = counter.launches();
            long callsBefore = counter.calls();
            played(run, 1, 4);
            launches[run] = counter.launches() - launchesBefore;
            calls[run] = counter.calls() - callsBefore;
        }
        System.out.printf(
                "measured: %d launches and %d calls plainly, %d and %d played%n",
                launches[0], calls[0], launches[3], calls[3]);
        assertTrue(launches[0] > 15, "the network has many: " + launches[0]);
        assertEquals(2, launches[3], "the graph, and the result widened for the heap");
        assertTrue(calls[3] < calls[0] / 2, calls[3] + " calls, plainly " + calls[0]);
    }

    @Test
    void anInputThatStaysIsNotCopiedAgain() {
        CallCounter counter = backend.engine().context().counter();
        try (Scope scope = backend.openScope("steps")) {
            Ops ops = scope.ops();
            List<Tensor> first = inputs(ops, 1, 1, 4);
            List<Tensor> second = List.of(inputs(ops, 2, 1, 4).get(0), first.get(1));
            ops.replay(network, first);
            ops.replay(network, first);
            float[] expected = ops.toArray(network.run(ops, second));
            long before = counter.calls();
            Tensor y = ops.replay(network, second);
            assertEquals(3, counter.calls() - before, "one copy in, the graph, one copy out");
            assertArrayEquals(expected, ops.toArray(y));
        }
    }

    @Test
    void whatCannotBeRecordedRunsPlainlyAndSaysWhy() {
        Ops.Program fromHeap =
                (ops, inputs) ->
                        ops.add(inputs.get(0), ops.tensor("one", Shape.of(1), new float[] {1}));
        for (int run = 0; run < 4; run++) {
            try (Scope scope = backend.openScope("heap")) {
                Ops ops = scope.ops();
                Tensor x = ops.tensor("x", Shape.of(1), new float[] {run});
                assertArrayEquals(
                        new float[] {run + 1}, ops.toArray(ops.replay(fromHeap, List.of(x))));
            }
        }
        String refusal = backend.engine().recordings().refusal();
        assertTrue(refusal.contains("\"one\""), refusal);
        assertTrue(backend.description().contains("without a graph since"), backend.description());
    }

    @Test
    void aDriverThatRefusesToRecordIsDoneWithout() {
        assumeTrue(device.standIn().isPresent(), "a GPU's driver cannot be told to fail");
        float[] expected = plain(7, 1, 4);
        assertArrayEquals(expected, played(7, 1, 4));
        device.standIn().orElseThrow().failCall("cuStreamEndCapture", 1, CAPTURE_INVALIDATED);
        assertArrayEquals(expected, played(7, 1, 4));
        assertArrayEquals(expected, played(7, 1, 4));
        String refusal = backend.engine().recordings().refusal();
        assertTrue(refusal.contains("cuStreamEndCapture"), refusal);
    }

    @Test
    void rowsOfAPictureAreNotFetchedOneByOne() {
        CallCounter counter = backend.engine().context().counter();
        try (Scope scope = backend.openScope("rows")) {
            Ops ops = scope.ops();
            Shape shape = Shape.of(1, 64, 5, 3);
            float[] expected = random(3, shape);
            Tensor picture = ops.tensor("picture", shape, expected);
            Tensor other = ops.tensor("other", shape, random(4, shape));
            long before = counter.calls();
            float[] actual = new float[expected.length];
            float[] row = new float[15];
            for (int y = 0; y < 64; y++) {
                ops.read(picture, y * 15L, row, 15);
                System.arraycopy(row, 0, actual, y * 15, 15);
            }
            assertArrayEquals(expected, actual);
            assertTrue(counter.calls() - before <= 5, "one copy, and the events around it");
            ops.read(other, 0, row, 15);
            assertEquals(random(4, shape)[14], row[14]);
        }
    }

    @Test
    void threadsShareWeightsAndRecordings() throws Exception {
        List<float[]> expected = new ArrayList<>();
        for (int seed = 0; seed < 3; seed++) {
            expected.add(plain(seed, 1, 4));
        }
        ExecutorService threads = Executors.newFixedThreadPool(3);
        List<Future<float[]>> results = new ArrayList<>();
        for (int i = 0; i < 18; i++) {
            int seed = i % 3;
            results.add(threads.submit(() -> seed == 0 ? plain(seed, 1, 4) : played(seed, 1, 4)));
        }
        for (int i = 0; i < results.size(); i++) {
            assertArrayEquals(expected.get(i % 3), results.get(i).get(), "run " + i);
        }
        threads.shutdown();
    }

    @Test
    void aRecordingGoesWithTheWeightsThatItKnows() throws IOException {
        played(1, 1, 4);
        played(1, 1, 4);
        backend.releaseIdle();
        long held = backend.heldBytes();
        backend.upload("other", WeightForm.PLAIN, Shape.of(1), FloatSource.of(1)).close();
        backend.releaseIdle();
        assertTrue(backend.heldBytes() < held, "memory of the recording is free again");
        assertArrayEquals(plain(1, 1, 4), played(1, 1, 4));
    }

    /** What one program leaves in memory that programs share must not be what another one was given for good. */
    @Test
    void programsThatTakeTurnsKeepTheInputsThatStay() {
        Shape shape = Shape.of(1, 4, 4, 16);
        Ops.Program deep =
                (ops, inputs) -> {
                    Tensor h = inputs.get(0);
                    for (int i = 0; i < 12; i++) {
                        h = ops.add(h, h);
                    }
                    return h;
                };
        try (CudaBackend usual = device.open(Precision.F32);
                Scope scope = usual.openScope("turns")) {
            Ops ops = scope.ops();
            Tensor x = ops.tensor("x", shape, random(1, shape));
            Ops.Program sum = (inner, inputs) -> inner.add(inputs.get(0), inputs.get(1));
            float[] expected = ops.toArray(ops.add(x, x));
            for (int run = 0; run < 4; run++) {
                ops.replay(deep, List.of(x));
            }
            for (int run = 0; run < 4; run++) {
                Tensor y = ops.replay(sum, List.of(x, x));
                ops.replay(deep, List.of(x));
                assertArrayEquals(expected, ops.toArray(y), "run " + run);
            }
        }
    }

    @Test
    void aProgramThatCannotBeRecordedKeepsNobodyFromTheDevice() {
        Ops.Program waits =
                (ops, inputs) -> {
                    Tensor one = ops.tensor("one", Shape.of(1), new float[] {1});
                    // Whoever copies meanwhile may hold the buffer that this program needs next.
                    CompletableFuture.supplyAsync(backend::heldBytes)
                            .orTimeout(30, TimeUnit.SECONDS)
                            .join();
                    return ops.add(inputs.get(0), one);
                };
        for (int run = 0; run < 3; run++) {
            try (Scope scope = backend.openScope("waits")) {
                Ops ops = scope.ops();
                Tensor x = ops.tensor("x", Shape.of(1), new float[] {run});
                assertArrayEquals(
                        new float[] {run + 1}, ops.toArray(ops.replay(waits, List.of(x))));
            }
        }
    }

    @Test
    void aProgramForWhoseInputsThereIsNoMemoryRunsPlainly() {
        assumeTrue(device.standIn().isPresent(), "a GPU's driver cannot be told to fail");
        float[] expected = plain(7, 1, 4);
        assertArrayEquals(expected, played(7, 1, 4));
        try (Scope scope = backend.openScope("short")) {
            Ops ops = scope.ops();
            List<Tensor> inputs = inputs(ops, 7, 1, 4);
            device.standIn().orElseThrow().failCall("cuMemAlloc", 2, CUDA_ERROR_OUT_OF_MEMORY);
            assertArrayEquals(expected, ops.toArray(ops.replay(network, inputs)));
        }
        String refusal = backend.engine().recordings().refusal();
        assertTrue(refusal.contains("cannot allocate"), refusal);
    }

    @Test
    void aRecordingKeepsItsScratchWhereIdleMemoryIsGivenBack() {
        float[] expected = plain(1, 1, 4);
        for (int run = 0; run < 4; run++) {
            assertArrayEquals(expected, played(1, 1, 4), "run " + run);
            backend.releaseIdle();
        }
        assertEquals("", backend.engine().recordings().refusal());
    }

    @Test
    void aProgramIsNotRecordedBeforeItRanToItsEnd() {
        AtomicInteger runs = new AtomicInteger();
        Ops.Program failsAtFirst =
                (ops, inputs) -> {
                    if (runs.getAndIncrement() == 0) {
                        throw new IllegalStateException("at first");
                    }
                    return network(ops, inputs.get(0), inputs.get(1));
                };
        try (Scope scope = backend.openScope("failing")) {
            Ops ops = scope.ops();
            List<Tensor> inputs = inputs(ops, 1, 1, 4);
            assertThrows(IllegalStateException.class, () -> ops.replay(failsAtFirst, inputs));
            for (int run = 0; run < 4; run++) {
                ops.replay(failsAtFirst, inputs);
            }
        }
        assertEquals("", backend.engine().recordings().refusal());
        assertEquals(3, runs.get(), "failed, plain, recorded");
    }
}
