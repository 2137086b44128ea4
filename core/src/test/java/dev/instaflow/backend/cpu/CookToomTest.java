package dev.instaflow.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.Test;

class CookToomTest {
    /** A dozen F64 products of matrices with entries up to 30. */
    private static final double TOLERANCE = 1e-12;

    private final Random random = new Random(3);

    @Test
    void correlatesLikeTheDefinition() {
        requireCorrelation(4, 3, 0, 0.75, -0.75, 1.5, -1.5);
        requireCorrelation(2, 3, 0, 1, -1);
        requireCorrelation(4, 2, 0.5, -0.5, 1.5, -1.5);
        requireCorrelation(1, 1);
        requireCorrelation(6, 3, 0, 1, -1, 2, -2, 0.5, -0.5);
    }

    /** Winograd's own F(2,3), as Lavin and Gray 2015 print it, up to the signs and scales of its rows. */
    @Test
    void needsAsManyMultiplicationsAsInputs() {
        CookToom f = CookToom.of(2, 3, 0, 1, -1);
        assertEquals(4, f.input().length);
        assertEquals(4, f.weight().length);
        assertEquals(2, f.output().length);
    }

    @Test
    void aWrongNumberOfPointsIsNamed() {
        IllegalArgumentException thrown =
                assertThrows(IllegalArgumentException.class, () -> CookToom.of(4, 3, 0, 1, -1));
        assertEquals("F(4,3) needs 5 points, got 3", thrown.getMessage());
    }

    private void requireCorrelation(int outputs, int taps, double... points) {
        CookToom f = CookToom.of(outputs, taps, points);
        double[] input = gaussian(outputs + taps - 1);
        double[] filter = gaussian(taps);
        double[] products = times(f.input(), input);
        double[] weights = times(f.weight(), filter);
        for (int i = 0; i < products.length; i++) {
            products[i] *= weights[i];
        }
        double[] actual = times(f.output(), products);
        for (int i = 0; i < outputs; i++) {
            double expected = 0;
            for (int k = 0; k < taps; k++) {
                expected += filter[k] * input[i + k];
            }
            assertEquals(expected, actual[i], TOLERANCE, "F(" + outputs + "," + taps + ") at " + i);
        }
    }

    private double[] gaussian(int count) {
        return random.doubles(count, -1, 1).toArray();
    }

    private static double[] times(double[][] matrix, double[] vector) {
        double[] result = new double[matrix.length];
        for (int i = 0; i < matrix.length; i++) {
            for (int k = 0; k < vector.length; k++) {
                result[i] += matrix[i][k] * vector[k];
            }
        }
        return result;
    }
}
