package dev.instaflow.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class AgreementTest {
    @Test
    void reportsTheLargestDifference() {
        assertEquals(0.5, Agreement.require(new float[] {1, 2}, new float[] {1, 2.5f}, 0.5));
    }

    @Test
    void refusesLargerDifferencesAndNaN() {
        float[] expected = {1, 2};
        assertThrows(
                IllegalStateException.class,
                () -> Agreement.require(new float[] {1, 3}, expected, 0.5));
        assertThrows(
                IllegalStateException.class,
                () -> Agreement.require(new float[] {1, Float.NaN}, expected, 0.5));
        assertThrows(
                IllegalStateException.class,
                () -> Agreement.require(new float[] {1}, expected, 0.5));
    }
}
