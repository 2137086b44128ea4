package dev.instaflow.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class TensorAssertTest {
    @Test
    void reportsTheWorstPlace() {
        AssertionError error =
                assertThrows(
                        AssertionError.class,
                        () -> close(new float[] {1, 2, 3}, new float[] {1, 2.5f, 3.1f}, 0.05));
        assertTrue(error.getMessage().contains("at 1 got 2.0, expected 2.5"), error.getMessage());
        assertTrue(error.getMessage().contains("2 of 3 outside"), error.getMessage());
    }

    @Test
    void nanFailsOnEitherSide() {
        float[] nan = {Float.NaN};
        assertThrows(AssertionError.class, () -> close(nan, new float[] {0}, 1e30));
        assertThrows(AssertionError.class, () -> close(new float[] {0}, nan, 1e30));
    }

    @Test
    void anotherLengthFails() {
        assertThrows(AssertionError.class, () -> close(new float[2], new float[3], 1));
    }

    @Test
    void returnsTheLargestDifference() {
        assertEquals(0.5, close(new float[] {1, 2}, new float[] {1.25f, 1.5f}, 0.5));
    }

    private static double close(float[] actual, float[] expected, double tolerance) {
        return TensorAssert.close("x", actual, expected, tolerance);
    }
}
