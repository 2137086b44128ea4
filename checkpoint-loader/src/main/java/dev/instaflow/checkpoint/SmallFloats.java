package dev.instaflow.checkpoint;

/**
 * Conversions between F32 and the shorter floats of checkpoints, on raw bits. Narrowing rounds to
 * nearest, ties to even, as IEEE 754 and torch do; widening is exact.
 */
public final class SmallFloats {
    /** Largest finite F16. */
    public static final float F16_MAX = 65504f;

    /** From here on an F32 rounds to an F16 infinity: half an ulp above {@link #F16_MAX}. */
    private static final float F16_OVERFLOW = 65520f;

    private SmallFloats() {}

    /** All 65536 values: subnormal halves, frequent in weights, are slow to widen by arithmetic. */
    private static final class HalfTable {
        static final float[] VALUES = new float[1 << 16];

        static {
            for (int bits = 0; bits < VALUES.length; bits++) {
                VALUES[bits] = widen(bits, 5, 10);
            }
        }
    }

    /**
     * Widens binary16 values.
     *
     * @param source raw bits
     * @param target receives {@code count} values from {@code offset} on
     * @param offset first index in {@code target}
     * @param count number of values, taken from the start of {@code source}
     */
    public static void widenF16(short[] source, float[] target, int offset, int count) {
        float[] table = HalfTable.VALUES;
        for (int i = 0; i < count; i++) {
            target[offset + i] = table[source[i] & 0xffff];
        }
    }

    /**
     * Widens bfloat16 values.
     *
     * @param source raw bits
     * @param target receives {@code count} values from {@code offset} on
     * @param offset first index in {@code target}
     * @param count number of values, taken from the start of {@code source}
     */
    public static void widenBf16(short[] source, float[] target, int offset, int count) {
        for (int i = 0; i < count; i++) {
            target[offset + i] = Float.intBitsToFloat(source[i] << 16);
        }
    }

    /**
     * One binary16.
     *
     * @param bits raw bits in the low half
     * @return its value, exactly
     */
    public static float f16ToFloat(int bits) {
        return HalfTable.VALUES[bits & 0xffff];
    }

    /**
     * One float8 of 4 exponent and 3 mantissa bits, the finite variant: no infinities, NaN at all
     * ones. Micikevicius et al. 2022, "FP8 Formats for Deep Learning".
     *
     * @param bits raw bits in the low byte
     * @return its value, exactly
     */
    public static float e4m3ToFloat(int bits) {
        if ((bits & 0x7f) == 0x7f) {
            return Float.NaN;
        }
        float magnitude =
                (bits & 0x78) == 0
                        ? (bits & 7) * 0x1p-9f
                        : (8 + (bits & 7)) * (float) Math.scalb(1.0, ((bits >> 3) & 15) - 10);
        return (bits & 0x80) == 0 ? magnitude : -magnitude;
    }

    /**
     * One float8 of 5 exponent and 2 mantissa bits: the upper byte of a binary16.
     *
     * @param bits raw bits in the low byte
     * @return its value, exactly
     */
    public static float e5m2ToFloat(int bits) {
        return f16ToFloat((bits & 0xff) << 8);
    }

    /**
     * Rounds to binary16.
     *
     * @param value any float; beyond the range becomes an infinity, see {@link #overflowsF16}
     * @return raw bits
     */
    public static short floatToF16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        int magnitude = bits & 0x7fffffff;
        if (magnitude > 0x7f800000) {
            return (short) (sign | 0x7e00); // NaN
        }
        if (magnitude >= 0x477ff000) {
            return (short) (sign | 0x7c00); // F16_OVERFLOW and more
        }
        if (magnitude < 0x38800000) { // below 2^-14: a multiple of 2^-24, rounded by the addition
            float shifted = Float.intBitsToFloat(magnitude) + 0.5f;
            return (short) (sign | Float.floatToRawIntBits(shifted) - 0x3f000000);
        }
        int rounded = magnitude + 0xfff + (magnitude >>> 13 & 1);
        return (short) (sign | rounded - 0x38000000 >>> 13);
    }

    /**
     * Whether a finite value becomes infinite as binary16.
     *
     * @param value any float
     * @return false for infinities and NaN, which binary16 has
     */
    public static boolean overflowsF16(float value) {
        float magnitude = Math.abs(value);
        return magnitude >= F16_OVERFLOW && magnitude != Float.POSITIVE_INFINITY;
    }

    /**
     * Rounds to bfloat16.
     *
     * @param value any float
     * @return raw bits
     */
    public static short floatToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if ((bits & 0x7fffffff) > 0x7f800000) {
            return (short) (bits >>> 16 | 0x40); // keep NaN a NaN
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    private static float widen(int bits, int exponentBits, int mantissaBits) {
        int exponent = bits >>> mantissaBits & (1 << exponentBits) - 1;
        int mantissa = bits & (1 << mantissaBits) - 1;
        int sign = bits >>> exponentBits + mantissaBits << 31;
        int bias = (1 << exponentBits - 1) - 1;
        if (exponent == (1 << exponentBits) - 1) {
            return Float.intBitsToFloat(sign | 0x7f800000 | mantissa << 23 - mantissaBits);
        }
        if (exponent == 0) {
            float magnitude = mantissa * (float) Math.scalb(1.0, 1 - bias - mantissaBits);
            return Float.intBitsToFloat(sign | Float.floatToRawIntBits(magnitude));
        }
        return Float.intBitsToFloat(
                sign | exponent - bias + 127 << 23 | mantissa << 23 - mantissaBits);
    }
}
