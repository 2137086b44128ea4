package dev.instaflow.train.evaluate.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.image.Pixels;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each measure on pictures whose answer can be had by hand. */
class MetricTest {
    /** Sums and roots in double precision. */
    private static final double EXACT = 1e-12;

    private static final Picture NOTHING = plain(0, 0, 0, 0);
    private static final Picture WHITE = plain(255, 255, 255, 255);
    private static final Picture BLACK = plain(0, 0, 0, 255);
    private static final Picture RED = plain(255, 0, 0, 255);

    private static Picture plain(int red, int green, int blue, int alpha) {
        byte[] bytes = new byte[64 * 64 * 4];
        byte[] pixel = {(byte) red, (byte) green, (byte) blue, (byte) alpha};
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = pixel[i % 4];
        }
        return Picture.of(Pixels.of(64, 64, bytes));
    }

    /** Opaque white in some columns, nothing in the others. */
    private static Picture columns(int from, int to) {
        byte[] bytes = new byte[64 * 64 * 4];
        for (int i = 0; i < bytes.length; i++) {
            int x = i / 4 % 64;
            bytes[i] = (byte) (x >= from && x < to ? 255 : 0);
        }
        return Picture.of(Pixels.of(64, 64, bytes));
    }

    @Test
    void colourOfWhatIsTransparentDoesNotCount() {
        assertEquals(NOTHING, plain(255, 100, 3, 0));
        assertNotEquals(NOTHING, BLACK);
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 0, 0", "255, 0, 7, 255", "200, 100, 50, 128", "9, 8, 7, 1"})
    void aPictureGivesItsPixelsBack(int red, int green, int blue, int alpha) {
        byte[] pixel = Arrays.copyOf(plain(red, green, blue, alpha).toPixels().toBytes(), 4);
        byte[] expected = {(byte) red, (byte) green, (byte) blue, (byte) alpha};
        assertEquals(Arrays.toString(expected), Arrays.toString(pixel));
    }

    @Test
    void distanceIsTheRootOfTheMeanSquareOfFourChannels() {
        assertEquals(1, NOTHING.rmsTo(WHITE), EXACT);
        assertEquals(0.5, NOTHING.rmsTo(BLACK), EXACT); // one channel of four
        assertEquals(Math.sqrt(0.5), RED.rmsTo(WHITE), EXACT);
        assertEquals(0, RED.rmsTo(plain(255, 0, 0, 255)), 0);
    }

    @Test
    void shrinkingAveragesBoxes() {
        Picture half = columns(0, 1).shrunkTo(32);
        assertEquals(32, half.side());
        assertEquals(half.unit() / 2.0, half.value(0), EXACT);
        assertEquals(0, half.value(4), EXACT);
        assertEquals(NOTHING.rmsTo(WHITE), NOTHING.shrunkTo(16).rmsTo(WHITE.shrunkTo(16)), EXACT);
        assertThrows(IllegalArgumentException.class, () -> WHITE.shrunkTo(5));
        assertThrows(IllegalArgumentException.class, () -> WHITE.shrunkTo(0));
    }

    @Test
    void largerPicturesAreAveragedAndOthersRefused() {
        byte[] large = new byte[128 * 128 * 3];
        for (int i = 0; i < large.length; i += 6) {
            large[i] = (byte) 255; // red in every other pixel
        }
        Picture picture = Picture.of(Pixels.of(128, 128, large));
        assertEquals(64, picture.side());
        assertEquals((picture.unit() + 1) / 2, picture.value(0));
        assertEquals(picture.unit(), picture.value(3));
        Pixels odd = Pixels.of(100, 100, new byte[100 * 100 * 4]);
        String message =
                assertThrows(IllegalArgumentException.class, () -> Picture.of(odd)).getMessage();
        assertTrue(message.contains("100x100") && message.contains("64"), message);
    }

    @Test
    void psnrOfAKnownDifference() {
        assertEquals(Fidelity.EQUAL, Fidelity.psnrRgba(RED, RED));
        assertEquals(0, Fidelity.psnrOnWhite(BLACK, WHITE), EXACT);
        // Nothing is white on white, and differs in all four channels of RGBA.
        assertEquals(Fidelity.EQUAL, Fidelity.psnrOnWhite(NOTHING, WHITE));
        assertEquals(0, Fidelity.psnrRgba(NOTHING, WHITE), EXACT);
        // A quarter of the columns differ: 10 log10(4).
        assertEquals(6.020599913279624, Fidelity.psnrRgba(columns(0, 16), NOTHING), EXACT);
    }

    @Test
    void overlapCountsOpaquePixels() {
        assertEquals(1, AlphaShape.intersectionOverUnion(NOTHING, NOTHING));
        assertEquals(0, AlphaShape.intersectionOverUnion(NOTHING, WHITE));
        assertEquals(
                1.0 / 3, AlphaShape.intersectionOverUnion(columns(0, 32), columns(16, 48)), EXACT);
        assertEquals(1, AlphaShape.intersectionOverUnion(plain(0, 0, 0, 128), WHITE));
        assertEquals(0, AlphaShape.intersectionOverUnion(plain(0, 0, 0, 127), WHITE));
    }

    @Test
    void borderIsTheOutermostRing() {
        assertEquals(1, AlphaShape.borderTransparency(NOTHING));
        assertEquals(0, AlphaShape.borderTransparency(WHITE));
        // Columns 1 to 62 touch the ring of 252 pixels at the top and at the bottom.
        assertEquals(1 - 124.0 / 252, AlphaShape.borderTransparency(columns(1, 63)), EXACT);
    }

    @Test
    void diversityIsTheMeanOfAllPairs() {
        assertEquals(0, Diversity.meanPairwiseRms(List.of(RED)));
        assertEquals(0, Diversity.meanPairwiseRms(List.of(RED, RED, RED)));
        // Distances 1, 0.5, and between black and white three channels of four.
        assertEquals(
                (1 + 0.5 + Math.sqrt(0.75)) / 3,
                Diversity.meanPairwiseRms(List.of(NOTHING, WHITE, BLACK)),
                EXACT);
    }

    @Test
    void sharpnessIsTheEnergyOfEdges() {
        assertEquals(0, Sharpness.energy(RED));
        // One edge in each of 64 rows, among 2 * 63 * 64 pairs of neighbours.
        assertEquals(64.0 / (2 * 63 * 64), Sharpness.energy(columns(0, 10)), EXACT);
        assertEquals(0.5, Sharpness.ratio(columns(0, 10), columns(5, 10)), EXACT);
        assertEquals(1, Sharpness.ratio(RED, BLACK));
    }

    @Test
    void aStyleItselfIsPureAndTheMiddleIsBlended() {
        List<Picture> styles = List.of(NOTHING, columns(0, 64));
        StylePurity pure = StylePurity.of(WHITE, styles);
        assertEquals(new StylePurity(1, 0, 0.5, 0), pure);
        assertTrue(pure.isPure());
        // Opaque on the left half: as far from both, on the line between them.
        StylePurity middle = StylePurity.of(columns(0, 32), styles);
        assertEquals(0, middle.nearest());
        assertEquals(Math.sqrt(0.5), middle.toNearest(), EXACT);
        assertEquals(0.5, middle.toMean(), EXACT);
        assertEquals(1, middle.blend(), EXACT);
        assertFalse(middle.isPure());
        // A quarter of the way.
        assertEquals(0.5, StylePurity.of(columns(0, 16), styles).blend(), EXACT);
    }

    @Test
    void withThreeStylesTheTwoNearestCount() {
        StylePurity purity = StylePurity.of(columns(0, 20), List.of(RED, columns(0, 64), NOTHING));
        assertEquals(2, purity.nearest());
        assertEquals(2 * 20.0 / 64, purity.blend(), EXACT);
        assertThrows(IllegalArgumentException.class, () -> StylePurity.of(RED, List.of(RED)));
    }

    @Test
    void percentilesLieBetweenRanks() {
        Distribution one = Distribution.of(7);
        assertEquals(new Distribution(1, 7, 7, 7, 7), one);
        Distribution some = Distribution.of(4, 1, 3, 2);
        assertEquals(2.5, some.mean(), EXACT);
        assertEquals(1.3, some.p10(), EXACT);
        assertEquals(2.5, some.median(), EXACT);
        assertEquals(3.7, some.p90(), EXACT);
        assertEquals(0.75, Distribution.shareFrom(2, 4, 1, 3, 2), EXACT);
        assertThrows(IllegalArgumentException.class, Distribution::of);
    }

    @Test
    void aStraightWayAtAnEvenPaceIsStraight() {
        float[][] states = {{0, 4}, {1, 3}, {2, 2}, {3, 1}, {4, 0}};
        assertEquals(0, Arrays.stream(Straightness.byTime(states)).sum(), EXACT);
    }

    @Test
    void aDetourIsMeasuredWhereItIs() {
        // From 0 to 1 by way of 1: velocities 2 and 0 against 1.
        assertEquals(
                "[1.0, 1.0]", Arrays.toString(Straightness.byTime(new float[][] {{0}, {1}, {1}})));
        assertEquals(
                Math.sqrt(12.5), Straightness.rms(new float[] {3, 4}, new float[] {0, 0}), EXACT);
    }
}
