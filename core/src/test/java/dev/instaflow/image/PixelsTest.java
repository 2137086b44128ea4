package dev.instaflow.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.Test;

class PixelsTest {
    @Test
    void decoderValuesAreClampedAndRounded() {
        float[] image = {-3, 3, 0, 0.8f / 255 - 1, 3.2f / 255 - 1, 1};
        Pixels pixels = Pixels.fromDecoder(ColorFormat.RGB, 2, 1, image);
        assertArrayEquals(
                new byte[] {0, (byte) 255, (byte) 128, 0, 2, (byte) 255}, pixels.toBytes());
    }

    @Test
    void premultipliedColourIsDividedByAlpha() {
        float half = 0.5f * 2 - 1;
        float quarter = 0.25f * 2 - 1;
        float[] image = {quarter, half, 1, half, 1, 1, 1, 1f / 255 * 2 - 1};
        Pixels pixels = Pixels.fromDecoder(ColorFormat.RGBA_PREMULTIPLIED, 2, 1, image);
        assertArrayEquals(
                new byte[] {(byte) 128, (byte) 255, (byte) 255, (byte) 128, 0, 0, 0, 1},
                pixels.toBytes());
    }

    @Test
    void rgbSurvivesTheWayToTheEncoderAndBack() {
        byte[] bytes = new byte[5 * 7 * 3];
        new Random(1).nextBytes(bytes);
        Pixels pixels = Pixels.of(5, 7, bytes);
        float[] image = pixels.toEncoder(ColorFormat.RGB);
        assertArrayEquals(bytes, Pixels.fromDecoder(ColorFormat.RGB, 5, 7, image).toBytes());
    }

    @Test
    void transparencyIsWhiteForRgbModelsAndStaysForRgbaModels() {
        Pixels red = Pixels.of(1, 1, new byte[] {(byte) 255, 0, 0, 0});
        assertArrayEquals(new float[] {1, 1, 1}, red.toEncoder(ColorFormat.RGB));
        assertArrayEquals(
                new float[] {-1, -1, -1, -1}, red.toEncoder(ColorFormat.RGBA_PREMULTIPLIED));
        Pixels opaque = Pixels.of(1, 1, new byte[] {(byte) 255, 0, 0});
        assertArrayEquals(
                new float[] {1, -1, -1, 1}, opaque.toEncoder(ColorFormat.RGBA_PREMULTIPLIED));
    }

    @Test
    void resizingDoesNotBleedInvisibleColour() {
        byte[] bytes = new byte[8 * 8 * 4];
        for (int pixel = 0; pixel < 64; pixel++) {
            boolean visible = pixel % 8 < 4;
            bytes[pixel * 4] = (byte) (visible ? 255 : 0);
            bytes[pixel * 4 + 1] = (byte) (visible ? 0 : 255);
            bytes[pixel * 4 + 3] = (byte) (visible ? 255 : 0);
        }
        byte[] small = Pixels.of(8, 8, bytes).resized(4, 4).toBytes();
        for (int pixel = 0; pixel < 16; pixel++) {
            assertEquals(0, small[pixel * 4 + 1], "green at " + pixel);
        }
    }

    @Test
    void sameSizeIsTheSameImage() {
        Pixels pixels = Pixels.of(2, 2, new byte[12]);
        assertSame(pixels, pixels.resized(2, 2));
    }

    @Test
    void countsThatFitNoImageAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> Pixels.of(2, 2, new byte[13]));
        assertThrows(IllegalArgumentException.class, () -> Pixels.of(0, 2, new byte[0]));
        assertThrows(
                IllegalArgumentException.class,
                () -> Pixels.fromDecoder(ColorFormat.RGB, 2, 2, new float[11]));
    }
}
