package dev.instaflow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class SmallFloatsTest {
    private static final int RANDOM_CASES = 200_000;

    /** IEEE 754 binary16, from its definition and in double precision. */
    private static double half(int bits) {
        int exponent = bits >> 10 & 31;
        double mantissa = (bits & 1023) / 1024.0;
        double magnitude =
                exponent == 0 ? Math.scalb(mantissa, -14) : Math.scalb(1 + mantissa, exponent - 15);
        return (bits & 0x8000) == 0 ? magnitude : -magnitude;
    }

    @Test
    void everyFiniteHalfWidensExactlyAndComesBack() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            if ((bits & 0x7c00) != 0x7c00) {
                float value = SmallFloats.f16ToFloat(bits);
                assertEquals((float) half(bits), value);
                assertEquals((short) bits, SmallFloats.floatToF16(value));
            }
        }
    }

    @Test
    void infinitiesAndNanSurvive() {
        assertEquals(Float.POSITIVE_INFINITY, SmallFloats.f16ToFloat(0x7c00));
        assertEquals(Float.NEGATIVE_INFINITY, SmallFloats.f16ToFloat(0xfc00));
        assertTrue(Float.isNaN(SmallFloats.f16ToFloat(0x7e00)));
        assertEquals((short) 0x7c00, SmallFloats.floatToF16(Float.POSITIVE_INFINITY));
        assertTrue(Float.isNaN(SmallFloats.f16ToFloat(SmallFloats.floatToF16(Float.NaN))));
        float nan = Float.intBitsToFloat(0x7f800001); // would round to infinity if only cut
        assertTrue(Float.isNaN(Float.intBitsToFloat(SmallFloats.floatToBf16(nan) << 16)));
    }

    @Test
    void halvesAreTheNearestAndTiesAreEven() {
        Random random = new Random(11);
        for (int i = 0; i < RANDOM_CASES; i++) {
            int exponent = 127 - 27 + random.nextInt(42); // below the smallest to the largest half
            int mantissa =
                    random.nextInt(4) == 0
                            ? random.nextInt(1024) << 13 | 0x1000
                            : random.nextInt(1 << 23);
            float value = Float.intBitsToFloat(exponent << 23 | mantissa);
            int bits = SmallFloats.floatToF16(value) & 0xffff;
            if (SmallFloats.overflowsF16(value)) {
                assertEquals(0x7c00, bits);
                continue;
            }
            double error = Math.abs(half(bits) - value);
            double below = bits == 0 ? Double.MAX_VALUE : Math.abs(half(bits - 1) - value);
            double above = Math.abs(half(bits + 1) - value);
            assertTrue(error <= below && error <= above, () -> "not the nearest of " + value);
            if (error == below || error == above) {
                assertEquals(0, bits & 1, "tie of " + value);
            }
        }
    }

    @Test
    void halvesOverflowWhereRoundingWouldMakeInfinity() {
        assertFalse(SmallFloats.overflowsF16(65519.996f));
        assertEquals((short) 0x7bff, SmallFloats.floatToF16(65519.996f));
        assertTrue(SmallFloats.overflowsF16(-65520f));
        assertFalse(SmallFloats.overflowsF16(Float.NEGATIVE_INFINITY));
        assertFalse(SmallFloats.overflowsF16(Float.NaN));
    }

    @Test
    void bfloatsAreTheNearestAndTiesAreEven() {
        Random random = new Random(12);
        for (int i = 0; i < RANDOM_CASES; i++) {
            int raw = random.nextInt();
            if (random.nextInt(4) == 0) {
                raw = raw & 0xffff0000 | 0x8000;
            }
            float value = Float.intBitsToFloat(raw & 0x7effffff);
            int bits = SmallFloats.floatToBf16(value) & 0xffff;
            double error = Math.abs((double) Float.intBitsToFloat(bits << 16) - value);
            double above = Math.abs((double) Float.intBitsToFloat(bits + 1 << 16) - value);
            double below =
                    bits == 0
                            ? Double.MAX_VALUE
                            : Math.abs((double) Float.intBitsToFloat(bits - 1 << 16) - value);
            assertTrue(error <= below && error <= above, () -> "not the nearest of " + value);
            if (error == below || error == above) {
                assertEquals(0, bits & 1, "tie of " + value);
            }
        }
    }

    @Test
    void float8FollowsTheTablesOfThePaper() {
        assertEquals(448f, SmallFloats.e4m3ToFloat(0x7e)); // Micikevicius et al., table 1
        assertEquals(0x1p-6f, SmallFloats.e4m3ToFloat(0x08));
        assertEquals(0x1p-9f, SmallFloats.e4m3ToFloat(0x01));
        assertEquals(-1.125f, SmallFloats.e4m3ToFloat(0xb9));
        assertTrue(Float.isNaN(SmallFloats.e4m3ToFloat(0xff)));
        assertEquals(57344f, SmallFloats.e5m2ToFloat(0x7b));
        assertEquals(0x1p-14f, SmallFloats.e5m2ToFloat(0x04));
        assertEquals(0x1p-16f, SmallFloats.e5m2ToFloat(0x01));
        assertEquals(Float.NEGATIVE_INFINITY, SmallFloats.e5m2ToFloat(0xfc));
    }
}
