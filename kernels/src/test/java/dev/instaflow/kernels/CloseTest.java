package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class CloseTest {
    @Test
    void valueOutsideFailsWithItsIndex() {
        Close close = new Close(0.1, 0);
        close.check("fits", new double[] {1, 2}, new float[] {1.05f, 1.95f});
        AssertionError error =
                assertThrows(
                        AssertionError.class,
                        () -> close.check("far", new double[] {1, 2, 3}, new float[] {1, 2.3f, 3}));
        assertTrue(error.getMessage().contains("worst at 1"), error.getMessage());
    }

    @Test
    void unexpectedNanFails() {
        Close close = new Close(Double.MAX_VALUE, 0);
        assertThrows(
                AssertionError.class,
                () -> close.check("nan", new double[] {1}, new float[] {Float.NaN}));
        close.check("nan", new double[] {Double.NaN}, new float[] {Float.NaN});
    }

    @Test
    void halvesRoundToNearestEven() {
        for (int bits = 0; bits < 0x7c00; bits++) {
            float x = Half.decode(Storage.F16, (short) bits);
            float next = Half.decode(Storage.F16, (short) (bits + 1));
            assertEquals((short) bits, Half.encode(Storage.F16, x));
            if (bits < 0x7bff) {
                short even = (short) (bits + (bits & 1));
                assertEquals(even, Half.encode(Storage.F16, (x + next) / 2));
            }
        }
        assertEquals((short) 0x7c00, Half.encode(Storage.F16, 65520));
        assertEquals((short) 0xbf80, Half.encode(Storage.BF16, -1.0039062f));
        assertEquals((short) 0x3f82, Half.encode(Storage.BF16, 1.01171875f));
    }
}
