package dev.instaflow.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What every backend must compute, checked against plain loops in F64 on random inputs. Sizes include 1,
 * primes and values one off the usual tiles.
 */
public abstract class OpsContract extends ConvolutionContract {
    /** x itself carries 100 * 2^-24 = 6e-6, the spread is 1, gamma up to 3. */
    protected double toleranceOfAMeanOf100() {
        return 2e-3;
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
