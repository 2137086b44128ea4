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
import org.junit.jupiter.params.provider.ValueSource;

class GuidanceTest {
    private final ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F32);

    @AfterEach
    void closesWithoutLeaks() {
        backend.close();
    }

    @Test
    void guidedOutputGoesFromTheNegativeHalfThroughThePositiveHalf() {
        try (Scope scope = backend.openScope("guidance")) {
            Ops ops = scope.ops();
            Tensor x = ops.tensor("x", Shape.of(2, 1, 1, 1), new float[] {10, 20});
            ConditionalDenoiser network =
                    (inner, latents, labels, contexts) -> {
                        assertEquals(ConditionalDenoiser.Contexts.NEGATIVE_THEN_POSITIVE, contexts);
                        assertArrayEquals(new float[] {10, 20, 10, 20}, inner.toArray(latents));
                        assertArrayEquals(new float[] {1, 2, 1, 2}, labels);
                        return inner.tensor("y", latents.shape(), new float[] {1, 2, 5, 8});
                    };
            Tensor y = new Guidance(1.5).over(network).predict(ops, x, new float[] {1, 2});
            assertArrayEquals(new float[] {7, 11}, ops.toArray(y));
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5, 1})
    void scalesUpToOneLeaveTheNetworkAsItIs(double scale) {
        try (Scope scope = backend.openScope("guidance")) {
            Ops ops = scope.ops();
            Tensor x = ops.tensor("x", Shape.of(1, 1, 1, 1), new float[] {10});
            ConditionalDenoiser network =
                    (inner, latents, labels, contexts) -> {
                        assertEquals(ConditionalDenoiser.Contexts.POSITIVE, contexts);
                        return inner.tensor("y", latents.shape(), new float[] {3});
                    };
            Tensor y = new Guidance(scale).over(network).predict(ops, x, new float[] {1});
            assertArrayEquals(new float[] {3}, ops.toArray(y));
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY})
    void scalesThatAreNoScalesAreRefused(double scale) {
        assertThrows(IllegalArgumentException.class, () -> new Guidance(scale));
    }
}
