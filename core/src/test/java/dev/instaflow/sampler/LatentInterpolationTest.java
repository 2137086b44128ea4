package dev.instaflow.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LatentInterpolationTest {
    private static final Shape TWO = Shape.of(2, 1, 1, 2);
    private final ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F32);

    @AfterEach
    void closesWithoutLeaks() {
        backend.close();
    }

    @ParameterizedTest
    @EnumSource
    void theEndsAreTheLatentsThemselves(LatentInterpolation way) {
        try (Scope scope = backend.openScope("between")) {
            Ops ops = scope.ops();
            Tensor a = ops.tensor("a", TWO, new float[] {1, 2, -3, 4});
            Tensor b = ops.tensor("b", TWO, new float[] {2, -1, 4, 4});
            assertArrayEquals(ops.toArray(a), ops.toArray(way.between(ops, a, b, 0)));
            assertArrayEquals(ops.toArray(b), ops.toArray(way.between(ops, a, b, 1)));
        }
    }

    @Test
    void slerpFollowsEachImagesOwnCircleAndLerpTheLine() {
        try (Scope scope = backend.openScope("between")) {
            Ops ops = scope.ops();
            // A right angle, and one of 60 degrees.
            float root = (float) Math.sqrt(3);
            Tensor a = ops.tensor("a", TWO, new float[] {1, 0, 2, 0});
            Tensor b = ops.tensor("b", TWO, new float[] {0, 1, 1, root});
            float[] round = ops.toArray(LatentInterpolation.SLERP.between(ops, a, b, 1.0 / 3));
            double third = Math.toRadians(30);
            double ninth = Math.toRadians(20);
            double[] expected = {
                Math.cos(third), Math.sin(third), 2 * Math.cos(ninth), 2 * Math.sin(ninth)
            };
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], round[i], 4 * Math.ulp(2f));
            }
            float[] straight = ops.toArray(LatentInterpolation.LERP.between(ops, a, b, 0.25));
            assertArrayEquals(new float[] {0.75f, 0.25f, 1.75f, root / 4}, straight);
        }
    }

    @Test
    void almostParallelLatentsAreInterpolatedStraight() {
        try (Scope scope = backend.openScope("between")) {
            Ops ops = scope.ops();
            Tensor a = ops.tensor("a", TWO, new float[] {1, 1, 0, 0});
            Tensor b = ops.tensor("b", TWO, new float[] {3, 3, 0, 0});
            float[] middle = ops.toArray(LatentInterpolation.SLERP.between(ops, a, b, 0.5));
            assertArrayEquals(new float[] {2, 2, 0, 0}, middle);
        }
    }

    @Test
    void fractionsOutsideTheUnitIntervalAndOtherShapesAreRefused() {
        try (Scope scope = backend.openScope("between")) {
            Ops ops = scope.ops();
            Tensor a = ops.tensor("a", TWO, new float[4]);
            Tensor b = ops.tensor("b", Shape.of(1, 1, 1, 4), new float[4]);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> LatentInterpolation.LERP.between(ops, a, a, 1.01));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> LatentInterpolation.LERP.between(ops, a, b, 0.5));
        }
    }
}
