package dev.instaflow.train.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.tensor.Shape;
import org.junit.jupiter.api.Test;

class PixelDistanceTest {
    private static final Shape SHAPE = Shape.of(2, 3, 5, 4);

    @Test
    void absoluteAndSquaredAreMeans() {
        Shape shape = Shape.of(1, 1, 2, 1);
        float[] picture = {1, -3};
        float[] wanted = {0, 0};
        assertEquals(2, PixelDistance.ABSOLUTE.between(shape, picture, wanted).value());
        assertEquals(5, PixelDistance.SQUARED.between(shape, picture, wanted).value());
        assertArrayEquals(
                new float[] {1, -3},
                PixelDistance.SQUARED.between(shape, picture, wanted).gradient());
    }

    /** By hand: differences 1 and -4 to the right, 2 and -3 downwards. */
    @Test
    void edgesAreDifferencesOfNeighboursOfOnePicture() {
        Shape shape = Shape.of(1, 2, 2, 1);
        float[] picture = {0, 1, 2, -2};
        PictureDistance.Result result = PixelDistance.EDGES.between(shape, picture, new float[4]);
        assertEquals((1 + 4) / 2.0 + (2 + 3) / 2.0, result.value());
        // Two pictures of one row each have no step from one to the other.
        Shape rows = Shape.of(2, 1, 2, 1);
        assertEquals(2.5, PixelDistance.EDGES.between(rows, picture, new float[4]).value());
    }

    @Test
    void constantDifferenceHasNoEdges() {
        float[] picture = Gradients.normals(120, 1, 1);
        float[] lighter = picture.clone();
        for (int i = 0; i < lighter.length; i++) {
            picture[i] = Math.round(picture[i]);
            lighter[i] = picture[i] + 0.5f;
        }
        assertEquals(0, PixelDistance.EDGES.between(SHAPE, lighter, picture).value());
    }

    /** Kinks are where neighbours differ equally; random pictures keep clear of them by more than a step. */
    @Test
    void gradientsAreThoseOfCentralDifferences() {
        for (PixelDistance distance : PixelDistance.values()) {
            Gradients.assertCentral(
                    distance,
                    SHAPE,
                    Gradients.normals(120, 3, 1),
                    Gradients.normals(120, 4, 1),
                    1,
                    0x1p-12,
                    1e-6);
        }
    }
}
