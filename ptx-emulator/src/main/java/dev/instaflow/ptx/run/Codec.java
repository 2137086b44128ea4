package dev.instaflow.ptx.run;

import dev.instaflow.ptx.ScalarType;

/**
 * Between the bits of a floating-point type and a double, which holds every value of each exactly.
 *
 * @param flush whether subnormal f32 inputs and results become zero
 * @param saturate whether results are clamped to [0, 1], NaN to 0
 * @param relu whether negative results become 0
 */
record Codec(ScalarType type, Rounding rounding, boolean flush, boolean saturate, boolean relu) {
    static Codec of(ScalarType type) {
        return new Codec(type, Rounding.NEAREST_EVEN, false, false, false);
    }

    /** Of a pair, the lower half. */
    double decode(long bits) {
        return switch (type) {
            case F64 -> Double.longBitsToDouble(bits);
            case F16, F16X2 -> HalfFormat.F16.decode(bits);
            case BF16, BF16X2 -> HalfFormat.BF16.decode(bits);
            case TF32 -> Float.intBitsToFloat((int) bits & 0xffffe000);
            default -> {
                float value = Float.intBitsToFloat((int) bits);
                yield flush ? flushed(value) : value;
            }
        };
    }

    long encode(double exact) {
        double value = exact;
        if (saturate) {
            value = value > 0 ? Math.min(value, 1) : 0;
        }
        if (relu && value < 0) {
            value = 0;
        }
        return switch (type) {
            // One NaN for all: which one Java makes is not defined.
            case F64 -> Double.doubleToLongBits(value);
            case F16, F16X2 -> HalfFormat.F16.encode(value, rounding);
            case BF16, BF16X2 -> HalfFormat.BF16.encode(value, rounding);
            case TF32 -> tf32(value);
            default -> {
                float rounded = rounding.toFloat(value);
                float result = flush ? flushed(rounded) : rounded;
                // Hardware's NaN; which one Java makes is not defined.
                yield Float.isNaN(result)
                        ? 0x7fffffffL
                        : Float.floatToRawIntBits(result) & 0xffffffffL;
            }
        };
    }

    /** An f32 with 10 bits of mantissa. */
    private long tf32(double value) {
        float single = (float) value;
        if (Float.isNaN(single) || Float.isInfinite(single)) {
            return Float.floatToRawIntBits(LaneMath.canonical(single)) & 0xffffffffL;
        }
        int bits = Float.floatToRawIntBits(single);
        int half =
                rounding == Rounding.ZERO
                        ? 0
                        : rounding == Rounding.NEAREST_AWAY ? 0x1000 : 0xfff + (bits >>> 13 & 1);
        return (bits + half & 0xffffe000) & 0xffffffffL;
    }

    private static float flushed(float value) {
        return Math.abs(value) < Float.MIN_NORMAL ? Math.copySign(0f, value) : value;
    }
}
