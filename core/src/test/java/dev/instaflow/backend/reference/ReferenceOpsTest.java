package dev.instaflow.backend.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The truth itself, against results worked out by hand. */
class ReferenceOpsTest {
    private final ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F64);
    private Scope scope;
    private Ops ops;

    @BeforeEach
    void open() {
        scope = backend.openScope("test");
        ops = scope.ops();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    private Tensor weight(WeightForm form, Shape shape, float... values) throws IOException {
        return backend.upload("w", form, shape, FloatSource.of(values));
    }

    @Test
    void convolvesWithPaddingAndChannels() throws IOException {
        // Two channels, x[y][x] = {1..6, 10 times that}; the kernel takes the upper left
        // neighbour of channel 0 plus half the centre of channel 1.
        float[] x = {1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60};
        float[] kernel = new float[18];
        kernel[0] = 1;
        kernel[9 + 4] = 0.5f;
        Tensor y =
                ops.conv2d(
                        ConvSpec.SAME_3X3,
                        ops.tensor("x", Shape.of(1, 2, 3, 2), x),
                        weight(
                                new WeightForm.Conv(ConvSpec.SAME_3X3, 0, 0),
                                Shape.of(1, 2, 3, 3),
                                kernel),
                        weight(WeightForm.PLAIN, Shape.of(1), 100));
        assertArrayEquals(new float[] {105, 110, 115, 120, 126, 132}, ops.toArray(y));
    }

    @Test
    void downsamplesWithPaddingOnOneSideOnly() throws IOException {
        Tensor y =
                ops.conv2d(
                        ConvSpec.DOWN_ASYMMETRIC,
                        ops.tensor("x", Shape.of(1, 2, 2, 1), new float[] {1, 2, 3, 4}),
                        weight(
                                new WeightForm.Conv(ConvSpec.DOWN_ASYMMETRIC, 0, 0),
                                Shape.of(1, 1, 3, 3),
                                1,
                                10,
                                100,
                                1000,
                                10000,
                                100000,
                                7,
                                7,
                                7),
                        weight(WeightForm.PLAIN, Shape.of(1), 0));
        assertArrayEquals(new float[] {1 + 20 + 3000 + 40000}, ops.toArray(y));
    }

    @Test
    void normalisesGroupsOfChannels() throws IOException {
        // Group {1, 3, 1, 3}: mean 2, variance 1; group {0, 0, 4, 4}: mean 2, variance 4.
        Tensor y =
                ops.groupNorm(
                        new GroupNormSpec(2, 1e-12f, Activation.IDENTITY),
                        ops.tensor("x", Shape.of(1, 2, 4), new float[] {1, 3, 0, 0, 1, 3, 4, 4}),
                        weight(WeightForm.PLAIN, Shape.of(4), 1, 2, 3, 4),
                        weight(WeightForm.PLAIN, Shape.of(4), 0, 0, 0, 1));
        assertArrayEquals(new float[] {-1, 2, -3, -3, -1, 2, 3, 5}, ops.toArray(y), 1e-6f);
    }

    @Test
    void attendsByHead() {
        // One query; keys equal to it in head 0 and far apart in head 1.
        Tensor q = ops.tensor("q", Shape.of(1, 1, 2), new float[] {0, 1000});
        Tensor k = ops.tensor("k", Shape.of(1, 2, 2), new float[] {5, 1, -5, 0});
        Tensor v = ops.tensor("v", Shape.of(1, 2, 2), new float[] {2, 7, 4, 9});
        Tensor y = ops.attention(new AttentionSpec(2, AttentionSpec.Mask.NONE), q, k, v);
        assertArrayEquals(new float[] {3, 7}, ops.toArray(y));
    }

    @Test
    void erfMatchesPublishedValues() {
        // Abramowitz and Stegun, table 7.1, and the symmetry and limits.
        assertEquals(0.5204998778, Erf.erf(0.5), 1e-10);
        assertEquals(0.8427007929, Erf.erf(1), 1e-10);
        assertEquals(0.9953222650, Erf.erf(2), 1e-10);
        assertEquals(0.999977909503001, Erf.erf(3), 1e-14);
        assertEquals(-Erf.erf(0.3), Erf.erf(-0.3));
        assertEquals(1, Erf.erf(40));
        assertEquals(Erf.erf(2.4999999), Erf.erf(2.5000001), 1e-9);
    }
}
