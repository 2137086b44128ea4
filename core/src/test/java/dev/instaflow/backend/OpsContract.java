package dev.instaflow.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.NormedConvolution;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What every backend must compute, checked against plain loops in F64 on random inputs. Sizes include 1,
 * primes and values one off the usual tiles.
 */
public abstract class OpsContract {
    /** Unit round-off of F32. */
    private static final double EPS = Math.pow(2, -24);

    /** Element-wise results: a few roundings of values below about 10. */
    private static final double ELEMENTWISE = 1e-5;

    private Backend backend;
    private ReferenceBackend reference;
    private final Random random = new Random(42);
    private final List<Tensor> weights = new ArrayList<>();

    /** A fresh backend; closed after the test, when nothing may be alive. */
    protected abstract Backend createBackend();

    /** x itself carries 100 * 2^-24 = 6e-6, the spread is 1, gamma up to 3. */
    protected double toleranceOfAMeanOf100() {
        return 2e-3;
    }

    @BeforeEach
    void open() {
        backend = createBackend();
        reference = new ReferenceBackend(ReferenceBackend.Precision.F64);
    }

    @AfterEach
    void closeWithoutLeaks() {
        weights.forEach(Tensor::close);
        reference.close();
        backend.close();
    }

    /** One computation, written against Ops, run on both backends. */
    private interface Program {
        Tensor run(Fixture fixture);
    }

    /** Hands out the same random tensors and weights on whichever backend runs. */
    private final class Fixture {
        final Ops ops;
        private final Backend on;
        private final Random values;

        Fixture(Backend on, Ops ops, long seed) {
            this.on = on;
            this.ops = ops;
            this.values = new Random(seed);
        }

        float[] floats(long count) {
            float[] all = new float[Math.toIntExact(count)];
            for (int i = 0; i < all.length; i++) {
                all[i] = (float) values.nextGaussian();
            }
            return all;
        }

        Tensor random(long... sizes) {
            Shape shape = Shape.of(sizes);
            return ops.tensor("x", shape, floats(shape.count()));
        }

        Tensor weight(WeightForm form, long... sizes) {
            Shape shape = Shape.of(sizes);
            try {
                Tensor weight = on.upload("w", form, shape, FloatSource.of(floats(shape.count())));
                weights.add(weight);
                return weight;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    private void check(String what, double tolerance, Program program) {
        long seed = random.nextLong();
        float[] expected;
        Shape expectedShape;
        try (Scope scope = reference.openScope(what)) {
            Tensor y = program.run(new Fixture(reference, scope.ops(), seed));
            expected = scope.ops().toArray(y);
            expectedShape = y.shape();
        }
        try (Scope scope = backend.openScope(what)) {
            Tensor y = program.run(new Fixture(backend, scope.ops(), seed));
            assertEquals(expectedShape, y.shape(), what);
            TensorAssert.close(what + " seed " + seed, scope.ops().toArray(y), expected, tolerance);
        }
    }

    /**
     * A sum of {@code terms} products of unit normals: rms sqrt(terms), and rounding grows like the
     * longest chain of partial sums in the worst case; 8 sqrt(terms) bounds each partial sum.
     */
    private static double sumTolerance(long terms) {
        return 8 * Math.sqrt(terms) * EPS * Math.max(16, Math.sqrt(terms) * 4);
    }

    @ParameterizedTest
    @CsvSource({
        "1,1,1,1,1",
        "2,7,5,3,6",
        "1,9,12,32,64",
        "3,8,8,33,31",
        "1,16,16,64,4",
        "2,5,31,16,48",
        "1,4,4,128,128"
    })
    void convolutionsOfAllKinds(int n, int h, int w, int ci, int co) {
        List<ConvSpec> specs =
                List.of(
                        ConvSpec.POINTWISE,
                        ConvSpec.SAME_3X3,
                        ConvSpec.DOWN_SYMMETRIC,
                        ConvSpec.DOWN_ASYMMETRIC);
        for (ConvSpec spec : specs) {
            if (h + spec.top() + spec.bottom() < spec.kernel()) {
                continue;
            }
            int k = spec.kernel();
            check(
                    spec.toString(),
                    sumTolerance((long) ci * k * k),
                    f ->
                            f.ops.conv2d(
                                    spec,
                                    f.random(n, h, w, ci),
                                    f.weight(new WeightForm.Conv(spec, h, w), co, ci, k, k),
                                    f.weight(WeightForm.PLAIN, co)));
        }
    }

    @Test
    void aConvolutionPackedForOneSizeRunsAtAnother() {
        ConvSpec spec = ConvSpec.SAME_3X3;
        for (int side : new int[] {64, 16, 3}) {
            check(
                    "side " + side,
                    sumTolerance(9 * 20),
                    f ->
                            f.ops.conv2d(
                                    spec,
                                    f.random(1, side, side, 20),
                                    f.weight(new WeightForm.Conv(spec, 32, 32), 24, 20, 3, 3),
                                    f.weight(WeightForm.PLAIN, 24)));
        }
    }

    /** Hints of 64 and many channels: where a backend may choose a fast algorithm, for any image then. */
    @ParameterizedTest
    @CsvSource({
        "1,64,64,64,64",
        "2,1,1,64,65",
        "1,3,2,67,64",
        "2,5,31,80,96",
        "1,33,100,64,72",
        "2,37,34,128,64"
    })
    void convolutionsPackedForLargeImages(int n, int h, int w, int ci, int co) {
        ConvSpec spec = ConvSpec.SAME_3X3;
        WeightForm form = new WeightForm.Conv(spec, 64, 64);
        double tolerance = sumTolerance(9L * ci);
        check(
                "plain",
                tolerance,
                f ->
                        f.ops.conv2d(
                                spec,
                                f.random(n, h, w, ci),
                                f.weight(form, co, ci, 3, 3),
                                f.weight(WeightForm.PLAIN, co)));
        check(
                "with a residual",
                tolerance,
                f ->
                        f.ops.conv2dAdd(
                                spec,
                                f.random(n, h, w, ci),
                                f.weight(form, co, ci, 3, 3),
                                f.weight(WeightForm.PLAIN, co),
                                f.random(n, h, w, co)));
    }

    @ParameterizedTest
    @CsvSource({"1,7,5,8,6,0", "2,8,8,64,64,64", "2,9,35,64,80,64", "3,1,1,32,32,0"})
    void convolutionsOfNormalisedImages(int n, int h, int w, int ci, int co, int hint) {
        GroupNormSpec norm = new GroupNormSpec(2, 1e-5f, Activation.SILU);
        double tolerance = sumTolerance(9L * ci) + 10 * ELEMENTWISE;
        check(
                "normedConv2d",
                tolerance,
                f -> f.ops.normedConv2d(layers(f, norm, ci, co, hint), f.random(n, h, w, ci)));
        check(
                "normedConv2dAdd",
                tolerance,
                f ->
                        f.ops.normedConv2dAdd(
                                layers(f, norm, ci, co, hint),
                                f.random(n, h, w, ci),
                                f.random(n, h, w, co)));
        check(
                "normedConv2dAddPerChannel",
                tolerance,
                f ->
                        f.ops.normedConv2dAddPerChannel(
                                layers(f, norm, ci, co, hint),
                                f.random(n, h, w, ci),
                                f.random(n, co)));
    }

    private static NormedConvolution layers(
            Fixture f, GroupNormSpec norm, int ci, int co, int hint) {
        return new NormedConvolution(
                norm,
                f.weight(WeightForm.PLAIN, ci),
                f.weight(WeightForm.PLAIN, ci),
                ConvSpec.SAME_3X3,
                f.weight(new WeightForm.Conv(ConvSpec.SAME_3X3, hint, hint), co, ci, 3, 3),
                f.weight(WeightForm.PLAIN, co));
    }

    @ParameterizedTest
    @CsvSource({"1,3,5,8,6,0", "2,32,32,64,64,32", "2,1,9,64,70,32", "1,17,33,96,64,32"})
    void convolutionsOfDoubledImages(int n, int h, int w, int ci, int co, int hint) {
        check(
                "upsampleConv2d",
                sumTolerance(9L * ci),
                f ->
                        f.ops.upsampleConv2d(
                                f.random(n, h, w, ci),
                                f.weight(new WeightForm.UpsampledConv(hint, hint), co, ci, 3, 3),
                                f.weight(WeightForm.PLAIN, co)));
    }

    @ParameterizedTest
    @CsvSource({"1,7,5,8,6", "2,4,9,16,31"})
    void convolutionsAddAVectorToEachSample(int n, int h, int w, int ci, int co) {
        ConvSpec spec = ConvSpec.SAME_3X3;
        check(
                "conv2dAddPerChannel",
                sumTolerance(9L * ci),
                f ->
                        f.ops.conv2dAddPerChannel(
                                spec,
                                f.random(n, h, w, ci),
                                f.weight(new WeightForm.Conv(spec, h, w), co, ci, 3, 3),
                                f.weight(WeightForm.PLAIN, co),
                                f.random(n, co)));
    }

    @Test
    void convolutionAddsItsResidual() {
        ConvSpec spec = ConvSpec.SAME_3X3;
        check(
                "conv2dAdd",
                sumTolerance(9 * 33),
                f ->
                        f.ops.conv2dAdd(
                                spec,
                                f.random(2, 7, 9, 33),
                                f.weight(new WeightForm.Conv(spec, 7, 9), 31, 33, 3, 3),
                                f.weight(WeightForm.PLAIN, 31),
                                f.random(2, 7, 9, 31)));
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "5,7,3", "77,16,64", "257,100,33", "64,320,128"})
    void linearLayers(int rows, int in, int out) {
        double tolerance = sumTolerance(in);
        check(
                "linear",
                tolerance,
                f -> f.ops.linear(f.random(rows, in), f.weight(WeightForm.LINEAR, out, in)));
        check(
                "linear with bias, [N,T,C]",
                tolerance,
                f ->
                        f.ops.linear(
                                f.random(2, rows, in),
                                f.weight(WeightForm.LINEAR, out, in),
                                f.weight(WeightForm.PLAIN, out)));
        check(
                "linearAdd",
                tolerance,
                f ->
                        f.ops.linearAdd(
                                f.random(2, rows, in),
                                f.weight(WeightForm.LINEAR, out, in),
                                f.weight(WeightForm.PLAIN, out),
                                f.random(2, rows, out)));
    }

    @Test
    void linearGeglu() {
        check(
                "linearGeglu",
                20 * sumTolerance(24), // the product of two sums of rms 5
                f ->
                        f.ops.linearGeglu(
                                f.random(2, 9, 24),
                                f.weight(WeightForm.LINEAR, 2 * 31, 24),
                                f.weight(WeightForm.PLAIN, 2 * 31)));
    }

    @ParameterizedTest
    @CsvSource({"1,2,2,4,4", "2,7,5,64,32", "1,33,3,96,32", "3,8,8,16,8", "1,1,1,64,32"})
    void groupNorms(int n, int h, int w, int c, int groups) {
        for (Activation then : List.of(Activation.IDENTITY, Activation.SILU)) {
            check(
                    "groupNorm then " + then,
                    5e-5, // gamma times normalised values of up to about 5, statistics of F32 sums
                    f ->
                            f.ops.groupNorm(
                                    new GroupNormSpec(groups, 1e-5f, then),
                                    f.random(n, h, w, c),
                                    f.weight(WeightForm.PLAIN, c),
                                    f.weight(WeightForm.PLAIN, c)));
        }
    }

    @Test
    void groupNormSurvivesAMeanFarFromZero() {
        check(
                "offset 100",
                toleranceOfAMeanOf100(),
                f -> {
                    Tensor x = f.random(1, 16, 16, 8);
                    Tensor shift = f.ops.tensor("100", Shape.of(1, 8), filled(8, 100));
                    return f.ops.groupNorm(
                            new GroupNormSpec(2, 1e-6f, Activation.IDENTITY),
                            f.ops.addPerChannel(x, shift),
                            f.weight(WeightForm.PLAIN, 8),
                            f.weight(WeightForm.PLAIN, 8));
                });
    }

    private static float[] filled(int length, float value) {
        float[] all = new float[length];
        Arrays.fill(all, value);
        return all;
    }

    @ParameterizedTest
    @CsvSource({"1,1,4", "2,77,16", "3,5,33", "1,64,320"})
    void layerNorms(int n, int t, int c) {
        check(
                "layerNorm",
                5e-5,
                f ->
                        f.ops.layerNorm(
                                f.random(n, t, c),
                                f.weight(WeightForm.PLAIN, c),
                                f.weight(WeightForm.PLAIN, c),
                                1e-5f));
    }

    @ParameterizedTest
    @CsvSource({
        "1,1,1,1,4",
        "2,77,77,4,16",
        "1,64,77,8,64",
        "3,31,5,2,14",
        "1,257,257,8,320",
        "1,100,100,1,512",
        "2,16,24,4,128",
        "1,600,77,8,640"
    })
    void attentions(int n, int t, int s, int heads, int c) {
        check(
                "attention",
                2e-5, // a convex combination of unit normals, logits of up to about 6
                f ->
                        f.ops.attention(
                                new AttentionSpec(heads, AttentionSpec.Mask.NONE),
                                f.random(n, t, c),
                                f.random(n, s, c),
                                f.random(n, s, c)));
    }

    @ParameterizedTest
    @CsvSource({"1,1,1,4", "2,77,4,16", "1,24,4,128", "1,100,12,768"})
    void causalAttentionSeesNoLaterKey(int n, int t, int heads, int c) {
        check(
                "causal attention",
                2e-5,
                f ->
                        f.ops.attention(
                                new AttentionSpec(heads, AttentionSpec.Mask.CAUSAL),
                                f.random(n, t, c),
                                f.random(n, t, c),
                                f.random(n, t, c)));
    }

    @Test
    void attentionSurvivesLargeLogits() {
        check(
                "attention of 30-fold inputs",
                2e-3, // logits of about 900 carry 900 * 2^-24 * sqrt(C) before the exponential
                f -> {
                    Tensor q = f.random(1, 19, 16);
                    Tensor scaled = f.ops.combine(new float[][] {{30}}, q);
                    return f.ops.attention(
                            new AttentionSpec(2, AttentionSpec.Mask.NONE),
                            scaled,
                            scaled,
                            f.random(1, 19, 16));
                });
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activations(Activation activation) {
        check(
                activation.name(),
                ELEMENTWISE,
                f -> f.ops.activation(activation, f.random(2, 33, 31)));
    }

    @Test
    void activationsAreRightFarOut() {
        float[] far = {-1000, -90, -20, -5, 0, 5, 20, 90, 1000};
        for (Activation activation : Activation.values()) {
            check(
                    activation + " far out",
                    1e-4, // one rounding of 1000
                    f -> f.ops.activation(activation, f.ops.tensor("x", Shape.of(9), far)));
        }
    }

    @Test
    void geglu() {
        check("geglu", ELEMENTWISE * 4, f -> f.ops.geglu(f.random(3, 17, 2 * 33)));
    }

    @ParameterizedTest
    @CsvSource({"1,1,2,2", "4,5,8,10", "3,3,5,6", "10,9,20,18"})
    void upsamplesToAnySize(int h, int w, int height, int width) {
        check("upsample", 0, f -> f.ops.upsampleNearest(f.random(2, h, w, 5), height, width));
    }

    @Test
    void concatenatesAndSlices() {
        check("channels", 0, f -> f.ops.concatChannels(f.random(2, 3, 5, 7), f.random(2, 3, 5, 9)));
        check("batch", 0, f -> f.ops.concatBatch(f.random(2, 3, 5), f.random(1, 3, 5)));
        check("slice channels", 0, f -> f.ops.sliceChannels(f.random(2, 3, 9), 4, 7));
        check("slice batch", 0, f -> f.ops.sliceBatch(f.random(4, 3, 9), 1, 3));
    }

    @Test
    void addsInAllForms() {
        check("add", ELEMENTWISE, f -> f.ops.add(f.random(2, 31, 7), f.random(2, 31, 7)));
        check("multiply", ELEMENTWISE, f -> f.ops.multiply(f.random(2, 31), f.random(2, 31)));
        check(
                "per channel",
                ELEMENTWISE,
                f -> f.ops.addPerChannel(f.random(3, 5, 7, 9), f.random(3, 9)));
        check(
                "to each",
                ELEMENTWISE,
                f -> f.ops.addToEach(f.random(3, 5, 7), f.weight(WeightForm.PLAIN, 5, 7)));
    }

    @Test
    void combinesWithOneCoefficientOrOneASample() {
        check(
                "combine",
                ELEMENTWISE,
                f ->
                        f.ops.combine(
                                new float[][] {{0.5f}, {1, -2, 0.25f}, {-1}},
                                f.random(3, 4, 5),
                                f.random(3, 4, 5),
                                f.random(3, 4, 5)));
    }

    @Test
    void gathersRows() {
        check(
                "gather",
                0,
                f ->
                        f.ops.gatherRows(
                                f.weight(WeightForm.PLAIN, 11, 6),
                                new int[] {0, 10, 3, 3, 7, 1},
                                Shape.of(2, 3)));
    }

    @Test
    void tellsFiniteFromNot() {
        try (Scope scope = backend.openScope("finite")) {
            Ops ops = scope.ops();
            for (int at : new int[] {0, 16, 4096, 9999}) {
                for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -1f / 0}) {
                    float[] values = filled(10_000, 1e30f);
                    assertTrue(ops.isFinite(ops.tensor("good", Shape.of(10_000), values)));
                    values[at] = bad;
                    assertFalse(ops.isFinite(ops.tensor("bad", Shape.of(10_000), values)));
                }
            }
        }
    }

    @Test
    void returnsWhatWasStored() {
        try (Scope scope = backend.openScope("round trip")) {
            float[] values = {1, -0.0f, Float.MIN_VALUE, Float.MAX_VALUE, 1e-20f, 3};
            Tensor x = scope.ops().tensor("x", Shape.of(2, 3), values);
            assertArrayEquals(values, scope.ops().toArray(x));
            assertArrayEquals(values, scope.ops().toArray(scope.ops().view(x, Shape.of(3, 2))));
        }
    }

    @Test
    void readsARangeOfValuesAndNothingOutsideIt() {
        try (Scope scope = backend.openScope("range")) {
            Ops ops = scope.ops();
            Tensor x = ops.tensor("x", Shape.of(2, 3), new float[] {1, 2, 3, 4, 5, 6});
            float[] target = {-1, -1, -1, -1};
            ops.read(x, 2, target, 3);
            assertArrayEquals(new float[] {3, 4, 5, -1}, target);
            assertThrows(IndexOutOfBoundsException.class, () -> ops.read(x, 4, target, 3));
            assertThrows(IndexOutOfBoundsException.class, () -> ops.read(x, 0, target, 5));
        }
    }

    @Test
    void escapedTensorsOutliveTheirScopeAndOthersDoNot() {
        try (Scope outer = backend.openScope("outer")) {
            Tensor kept;
            Tensor lost;
            try (Scope inner = outer.ops().openScope()) {
                lost = inner.ops().tensor("lost", Shape.of(2), new float[] {1, 2});
                kept = inner.escape(inner.ops().add(lost, lost));
            }
            assertArrayEquals(new float[] {2, 4}, outer.ops().toArray(kept));
            IllegalStateException error =
                    assertThrows(IllegalStateException.class, () -> outer.ops().toArray(lost));
            assertTrue(
                    error.getMessage().contains("\"lost\" [2] F32 used after"), error.getMessage());
        }
    }

    @Test
    void aViewKeepsItsMemoryAlive() {
        try (Scope outer = backend.openScope("outer")) {
            Tensor kept;
            try (Scope inner = outer.ops().openScope()) {
                Tensor x = inner.ops().tensor("x", Shape.of(4), new float[] {1, 2, 3, 4});
                kept = inner.escape(inner.ops().view(x, Shape.of(2, 2)));
            }
            outer.ops().tensor("other", Shape.of(4), new float[] {9, 9, 9, 9});
            assertArrayEquals(new float[] {1, 2, 3, 4}, outer.ops().toArray(kept));
        }
    }

    @Test
    void closingWithLiveTensorsListsThem() {
        Backend other = createBackend();
        Tensor left;
        try (Scope scope = other.openScope("root")) {
            left = scope.escape(scope.ops().tensor("left over", Shape.of(3), new float[3]));
        }
        IllegalStateException error = assertThrows(IllegalStateException.class, other::close);
        assertTrue(error.getMessage().contains("\"left over\" [3]"), error.getMessage());
        left.close();
        other.close();
    }

    @Test
    void wrongShapesAreNamed() {
        try (Scope scope = backend.openScope("errors")) {
            Ops ops = scope.ops();
            Tensor a = ops.tensor("a", Shape.of(2, 3), new float[6]);
            Tensor b = ops.tensor("b", Shape.of(3, 2), new float[6]);
            IllegalArgumentException error =
                    assertThrows(IllegalArgumentException.class, () -> ops.add(a, b));
            assertTrue(error.getMessage().contains("\"a\" [2,3]"), error.getMessage());
            assertTrue(error.getMessage().contains("\"b\" [3,2]"), error.getMessage());
            assertThrows(IllegalArgumentException.class, () -> ops.view(a, Shape.of(7)));
            assertThrows(IllegalArgumentException.class, () -> ops.sliceBatch(a, 1, 4));
        }
    }
}
