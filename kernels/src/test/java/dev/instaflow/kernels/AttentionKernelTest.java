package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.kernels.AttentionGradientKernel.Saved;
import dev.instaflow.kernels.AttentionKernel.Extents;
import dev.instaflow.kernels.AttentionKernel.Inputs;
import dev.instaflow.kernels.AttentionKernel.Mask;
import dev.instaflow.kernels.AttentionKernel.Path;
import dev.instaflow.kernels.AttentionKernel.Rows;
import dev.instaflow.kernels.AttentionKernel.Spec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AttentionKernelTest {
    /** Normal values of v stay below, and so do weighted means of them. */
    private static final double MAGNITUDE = 5;

    /** A score is a sum of d products; its error times the score's size is the relative error of a weight. */
    private static final int ROUNDINGS = 64;

    /** n, queries, keys, heads, d: every width the kernels have, sizes off every tile, keys of a prompt. */
    private static final int[][] TENSOR_CORE_SIZES = {
        {1, 1, 1, 1, 8},
        {2, 31, 70, 2, 32},
        {1, 100, 77, 2, 40},
        {2, 65, 7, 1, 48},
        {1, 70, 100, 2, 64},
        {1, 33, 70, 2, 80},
        {1, 70, 33, 1, 160},
        {1, 33, 35, 1, 504},
    };

    private static final int[][] PLAIN_SIZES = {
        {1, 1, 1, 1, 1},
        {2, 31, 33, 2, 4},
        {1, 33, 77, 2, 33},
        {1, 40, 33, 1, 64},
        {1, 33, 40, 1, 160},
        {1, 7, 31, 1, 100},
        {1, 5, 33, 1, 257},
    };

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void tensorCoresMatchAtOddSizes(Storage storage) {
        checkAll(storage, Path.TENSOR_CORES, TENSOR_CORE_SIZES);
    }

    @ParameterizedTest
    @EnumSource
    void plainPathMatchesAtOddSizes(Storage storage) {
        checkAll(storage, Path.PLAIN, PLAIN_SIZES);
    }

    @ParameterizedTest
    @EnumSource
    void keysThatNoQuerySeesGetNoGradient(Storage storage) {
        for (int width : new int[] {64, 160, 512}) {
            Extents extents = new Extents(7, 40, 1, width);
            check(new Spec(storage, Path.PLAIN, 1, extents, Mask.CAUSAL));
        }
        if (storage != Storage.F32) {
            for (int width : new int[] {32, 48, 64, 80, 160}) {
                Extents extents = new Extents(7, 70, 1, width);
                check(new Spec(storage, Path.TENSOR_CORES, 1, extents, Mask.CAUSAL));
            }
        }
    }

    private static void checkAll(Storage storage, Path path, int[][] sizes) {
        for (int[] size : sizes) {
            Extents extents = new Extents(size[1], size[2], size[3], size[4]);
            check(new Spec(storage, path, size[0], extents, Mask.NONE));
            check(new Spec(storage, path, size[0], extents, Mask.CAUSAL));
        }
    }

    private static void check(Spec spec) {
        Extents e = spec.extents();
        Storage storage = spec.storage();
        int width = e.heads() * e.headWidth();
        try (Emulator device = new Emulator(7)) {
            float[] q = device.normal(storage, spec.n() * e.queries() * width);
            float[] k = device.normal(storage, spec.n() * e.keys() * width);
            float[] v = device.normal(storage, k.length);
            float[] dy = device.normal(storage, q.length);
            AttentionReference expected = new AttentionReference(spec, q, k, v, dy);
            // A single sample reads k and v as two parts of one row.
            boolean joint = spec.n() == 1;
            Inputs inputs =
                    new Inputs(
                            new Rows(device.upload(storage, q), width),
                            joint
                                    ? interleaved(device, spec, k, v, 0)
                                    : new Rows(device.upload(storage, k), width),
                            joint
                                    ? interleaved(device, spec, k, v, width)
                                    : new Rows(device.upload(storage, v), width));
            Rows y = new Rows(device.empty(storage, q.length), width);
            long lse = device.empty(spec.lseBytes());
            device.run(AttentionKernel.forward(spec, y, lse, inputs));
            tolerance(spec)
                    .storedAs(storage)
                    .check(spec + " y", expected.y, device.read(storage, y.address(), q.length));
            Close.f32(MAGNITUDE, ROUNDINGS)
                    .check(
                            spec + " lse",
                            expected.lse,
                            device.read(Storage.F32, lse, expected.lse.length));
            checkGradient(device, spec, expected, y, lse, inputs, dy);
        }
    }

    private static void checkGradient(
            Emulator device,
            Spec spec,
            AttentionReference expected,
            Rows y,
            long lse,
            Inputs inputs,
            float[] dyValues) {
        Storage storage = spec.storage();
        int width = y.stride();
        int count = expected.dk.length;
        Rows dy = new Rows(device.upload(storage, dyValues), width);
        Rows dq = new Rows(device.empty(storage, dyValues.length), width);
        Rows dk = new Rows(device.empty(storage, count), width);
        Rows dv = new Rows(device.empty(storage, count), width);
        long delta = device.empty(spec.lseBytes());
        Saved saved = new Saved(inputs, lse, delta, dy);
        device.run(AttentionGradientKernel.delta(spec, delta, y, dy));
        device.run(AttentionGradientKernel.queries(spec, dq, saved));
        device.run(AttentionGradientKernel.keysAndValues(spec, dk, dv, saved));
        Close close = gradientTolerance(spec);
        close.check(spec + " dq", expected.dq, device.read(storage, dq.address(), dyValues.length));
        close.check(spec + " dk", expected.dk, device.read(storage, dk.address(), count));
        close.check(spec + " dv", expected.dv, device.read(storage, dv.address(), count));
    }

    /**
     * The gradient of a score is a share of a product of d terms, of the order of their root, times the scale, which is one by that root; it
     * meets a value of k or q. Tensor cores round it to storage, and {@code y} was rounded before it entered delta.
     */
    private static Close gradientTolerance(Spec spec) {
        double size = MAGNITUDE * MAGNITUDE;
        double rounding =
                switch (spec.storage()) {
                    case F32 -> 0;
                    case F16 -> 0x1p-11;
                    case BF16 -> 0x1p-8;
                };
        Close f32 = Close.f32(size, ROUNDINGS);
        return new Close(f32.absolute() + size * rounding, 0).storedAs(spec.storage());
    }

    /** Tensor cores take the weights as rounded to storage: an error relative to each term of the mean. */
    private static Close tolerance(Spec spec) {
        Close f32 = Close.f32(MAGNITUDE, ROUNDINGS);
        double weights =
                spec.path() == Path.PLAIN ? 0 : spec.storage() == Storage.F16 ? 0x1p-11 : 0x1p-8;
        return new Close(f32.absolute() + MAGNITUDE * weights, 0);
    }

    private static Rows interleaved(Emulator device, Spec spec, float[] a, float[] b, int from) {
        int width = spec.extents().heads() * spec.extents().headWidth();
        float[] both = new float[2 * a.length];
        for (int i = 0; i < a.length; i++) {
            int row = 2 * width * (i / width) + i % width;
            both[row] = a[i];
            both[row + width] = b[i];
        }
        long address = device.upload(spec.storage(), both);
        return new Rows(address + (long) from * spec.storage().sizeBytes(), 2 * width);
    }

    @Test
    void largeScoresDoNotOverflow() {
        for (Path path : Path.values()) {
            Spec spec = new Spec(Storage.F16, path, 1, new Extents(3, 40, 1, 64), Mask.NONE);
            try (Emulator device = new Emulator(1)) {
                float[] q = new float[3 * 64];
                java.util.Arrays.fill(q, 60);
                float[] k = device.normal(Storage.F16, 40 * 64);
                for (int i = 0; i < k.length; i++) {
                    k[i] = Half.round(Storage.F16, 50 * k[i]);
                }
                float[] v = device.normal(Storage.F16, k.length);
                Rows y = new Rows(device.empty(Storage.F16, q.length), 64);
                Inputs inputs =
                        new Inputs(
                                new Rows(device.upload(Storage.F16, q), 64),
                                new Rows(device.upload(Storage.F16, k), 64),
                                new Rows(device.upload(Storage.F16, v), 64));
                device.run(AttentionKernel.forward(spec, y, 0, inputs));
                AttentionReference expected = new AttentionReference(spec, q, k, v, q);
                tolerance(spec)
                        .storedAs(Storage.F16)
                        .check("y", expected.y, device.read(Storage.F16, y.address(), q.length));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "F16, TENSOR_CORES, 128, 128, 1, 64",
        "F16, TENSOR_CORES, 64, 64, 2, 32",
        "BF16, TENSOR_CORES, 64, 128, 2, 80",
        "F16, TENSOR_CORES, 64, 64, 2, 48",
        "F16, TENSOR_CORES, 64, 64, 1, 160",
        "F16, TENSOR_CORES, 64, 64, 1, 512",
        "F32, PLAIN, 64, 64, 2, 64",
        "F16, PLAIN, 64, 64, 1, 160",
    })
    void trafficIsTheLowerBound(
            Storage storage, Path path, int queries, int keys, int heads, int d) {
        Spec spec = new Spec(storage, path, 1, new Extents(queries, keys, heads, d), Mask.NONE);
        int width = heads * d;
        try (Emulator device = new Emulator(1)) {
            Rows q =
                    new Rows(
                            device.upload(storage, device.normal(storage, queries * width)), width);
            Rows k = new Rows(device.upload(storage, device.normal(storage, keys * width)), width);
            Rows v = new Rows(device.upload(storage, device.normal(storage, keys * width)), width);
            Rows y = new Rows(device.empty(storage, (long) queries * width), width);
            long bound = 2L * (queries + keys) * width * storage.sizeBytes();
            device.runWithin(AttentionKernel.forward(spec, y, 0, new Inputs(q, k, v)), bound);
            long sums = device.upload(Storage.F32, new float[heads * queries]);
            Saved saved = new Saved(new Inputs(q, k, v), sums, sums, y);
            Rows dk = new Rows(device.empty(storage, (long) keys * width), width);
            Rows dv = new Rows(device.empty(storage, (long) keys * width), width);
            long row = (long) width * storage.sizeBytes();
            device.runWithin(AttentionGradientKernel.delta(spec, sums, y, q), 2 * queries * row);
            device.runWithin(
                    AttentionGradientKernel.queries(spec, q, saved),
                    (3 * queries + 2 * keys) * row);
            device.runWithin(
                    AttentionGradientKernel.keysAndValues(spec, dk, dv, saved),
                    (2 * queries + 4 * keys) * row);
        }
    }

    @Test
    void pathIsTheFastestThatCan() {
        assertEquals(Path.TENSOR_CORES, Path.of(Storage.F16, 40, 86));
        assertEquals(Path.PLAIN, Path.of(Storage.F16, 40, 75));
        assertEquals(Path.PLAIN, Path.of(Storage.F16, 4, 86));
        assertEquals(Path.PLAIN, Path.of(Storage.F32, 40, 90));
    }

    @Test
    void whatNoKernelTakesIsRefused() {
        Extents extents = new Extents(3, 3, 2, 12);
        String message =
                assertThrows(
                                IllegalArgumentException.class,
                                () ->
                                        new Spec(
                                                Storage.F16,
                                                Path.TENSOR_CORES,
                                                1,
                                                extents,
                                                Mask.NONE))
                        .getMessage();
        assertTrue(message.contains("12"), message);
        assertThrows(IllegalArgumentException.class, () -> new Extents(3, 3, 1, 513));
        Spec spec = new Spec(Storage.F32, Path.PLAIN, 1, extents, Mask.NONE);
        Rows narrow = new Rows(256, 23);
        Rows rows = new Rows(256, 24);
        assertThrows(
                IllegalArgumentException.class,
                () -> AttentionKernel.forward(spec, rows, 0, new Inputs(rows, narrow, rows)));
    }
}
