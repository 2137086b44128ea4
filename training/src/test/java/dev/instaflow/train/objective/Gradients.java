package dev.instaflow.train.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.tensor.Shape;
import java.util.Random;

/** Distances' gradients against central differences. */
final class Gradients {
    private Gradients() {}

    static float[] normals(int count, long seed, double deviation) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return values;
    }

    /**
     * Compares.
     *
     * @param step of the differences, an exact power of two so that F32 pictures lose nothing else
     * @param tolerance absolute, far below the largest gradient, which is checked too
     */
    static void assertCentral(
            PictureDistance distance,
            Shape shape,
            float[] pictures,
            float[] wanted,
            int each,
            double step,
            double tolerance) {
        float[] gradient = distance.between(shape, pictures, wanted).gradient();
        double largest = 0;
        for (int i = 0; i < pictures.length; i += each) {
            float kept = pictures[i];
            float above = (float) (kept + step);
            float below = (float) (kept - step);
            pictures[i] = above;
            double up = distance.between(shape, pictures, wanted).value();
            pictures[i] = below;
            double down = distance.between(shape, pictures, wanted).value();
            pictures[i] = kept;
            double expected = (up - down) / ((double) above - below);
            assertEquals(expected, gradient[i], tolerance, "at " + i);
            largest = Math.max(largest, Math.abs(gradient[i]));
        }
        assertTrue(largest > 20 * tolerance, "the largest gradient is " + largest);
    }
}
