package dev.instaflow.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class WinogradTest {
    private static final int CI = 320;
    private static final int CO = 64;
    private static final Shape IMAGE = Shape.of(1, 24, 25, CI);

    /** Relative rms error of F(4x4,3x3) in F32: 1.7e-6 by simulation in NumPy, and some more for other data. */
    private static final double SAME_ERROR = 2.5e-6;

    /** Of F(4x4,2x2) of kernels whose taps are summed first: 1.1e-6 by simulation without the sums. */
    private static final double DOUBLED_ERROR = 2.5e-6;

    /** oneDNN's direct convolution: sums of 2880 products. */
    private static final double DIRECT_ERROR = 1.5e-6;

    private static float[] random(long seed, Shape shape, double scale) {
        Random random = new Random(seed);
        float[] values = new float[(int) shape.count()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        return values;
    }

    private static float[] convolve(Backend backend, WeightForm form) throws IOException {
        Shape kernel = Shape.of(CO, CI, 3, 3);
        float[] kernels = random(1, kernel, 1 / Math.sqrt(9 * CI));
        try (Tensor weight = backend.upload("w", form, kernel, FloatSource.of(kernels));
                Tensor bias =
                        backend.upload(
                                "b",
                                WeightForm.PLAIN,
                                Shape.of(CO),
                                FloatSource.of(new float[CO]));
                Scope scope = backend.openScope("convolution")) {
            Tensor x = scope.ops().tensor("x", IMAGE, random(2, IMAGE, 1));
            return scope.ops()
                    .toArray(
                            form instanceof WeightForm.Conv conv
                                    ? scope.ops().conv2d(conv.spec(), x, weight, bias)
                                    : scope.ops().upsampleConv2d(x, weight, bias));
        }
    }

    private static float[] onCpu(WeightForm form, int threads) throws IOException {
        try (CpuBackend backend = CpuBackend.open(new CpuSettings(threads))) {
            return convolve(backend, form);
        }
    }

    /** The rms of the error by the rms of the result. */
    private static double error(WeightForm form) throws IOException {
        float[] expected;
        try (ReferenceBackend reference = new ReferenceBackend(ReferenceBackend.Precision.F64)) {
            expected = convolve(reference, form);
        }
        float[] actual = onCpu(form, 1);
        assertEquals(expected.length, actual.length);
        double errors = 0;
        double values = 0;
        for (int i = 0; i < actual.length; i++) {
            errors += Math.pow(actual[i] - expected[i], 2);
            values += Math.pow(expected[i], 2);
        }
        return Math.sqrt(errors / values);
    }

    private static WeightForm same(int hint) {
        return new WeightForm.Conv(ConvSpec.SAME_3X3, hint, hint);
    }

    @Test
    void isNearlyAsAccurateAsDirectConvolution() throws IOException {
        double direct = error(same(8));
        double same = error(same(64));
        double doubled = error(new WeightForm.UpsampledConv(32, 32));
        String figures = "direct %.2e, same %.2e, doubled %.2e".formatted(direct, same, doubled);
        assertTrue(direct <= DIRECT_ERROR, figures);
        assertTrue(same <= SAME_ERROR, figures);
        assertTrue(doubled <= DOUBLED_ERROR, figures);
    }

    @Test
    void bitsDoNotDependOnTheNumberOfThreads() throws IOException {
        assertArrayEquals(onCpu(same(64), 1), onCpu(same(64), 3));
        WeightForm doubled = new WeightForm.UpsampledConv(32, 32);
        assertArrayEquals(onCpu(doubled, 1), onCpu(doubled, 3));
    }

    @Test
    void theBackendTellsWhichConvolutionsItChose() throws IOException {
        try (CpuBackend backend = CpuBackend.open(new CpuSettings(1))) {
            assertTrue(backend.description().endsWith("1 thread)"), backend.description());
            Shape kernel = Shape.of(64, 64, 3, 3);
            float[] values = random(1, kernel, 1);
            try (Tensor weight = backend.upload("w", same(64), kernel, FloatSource.of(values))) {
                boolean fast =
                        ((PackedWeight) backend.engine().storage(weight)).form()
                                == PackedWeight.Form.WINOGRAD;
                String choice = fast ? "fast 3x3 convolutions)" : "direct convolutions alone)";
                assertTrue(backend.description().endsWith(choice), backend.description());
            }
        }
    }

    @Test
    void aTransformedWeightSaysThatItCannotBeReadBack() throws IOException {
        try (CpuBackend backend = CpuBackend.open(new CpuSettings(1))) {
            Shape kernel = Shape.of(64, 64, 3, 3);
            float[] values = random(1, kernel, 1);
            try (Tensor weight = backend.upload("w", same(64), kernel, FloatSource.of(values));
                    Scope scope = backend.openScope("reading")) {
                Assumptions.assumeTrue(
                        ((PackedWeight) backend.engine().storage(weight)).form()
                                == PackedWeight.Form.WINOGRAD,
                        "this processor has no fast primitives for Winograd");
                IllegalArgumentException thrown =
                        assertThrows(
                                IllegalArgumentException.class, () -> scope.ops().toArray(weight));
                assertTrue(thrown.getMessage().contains("transformed"), thrown.getMessage());
            }
        }
    }
}
