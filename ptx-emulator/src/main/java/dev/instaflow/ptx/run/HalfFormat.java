package dev.instaflow.ptx.run;

/** The two 16-bit floating-point formats; a double holds each of their values exactly. */
enum HalfFormat {
    F16(10, -14),
    BF16(7, -126);

    private final int mantissaBits;
    private final int minExponent;
    private final int infinity;
    private final float[] decoded = new float[1 << 16];

    HalfFormat(int mantissaBits, int minExponent) {
        this.mantissaBits = mantissaBits;
        this.minExponent = minExponent;
        this.infinity = 0x7fff >> mantissaBits << mantissaBits;
        for (int i = 0; i < decoded.length; i++) {
            decoded[i] = decodeSlowly(i);
        }
    }

    private float decodeSlowly(int bits) {
        int magnitude = bits & 0x7fff;
        int exponent = magnitude >> mantissaBits;
        int mantissa = magnitude & (1 << mantissaBits) - 1;
        float value;
        if (magnitude >= infinity) {
            value = mantissa == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
        } else if (exponent == 0) {
            value = (float) Math.scalb((double) mantissa, minExponent - mantissaBits);
        } else {
            value =
                    (float)
                            Math.scalb(
                                    (double) (mantissa + (1 << mantissaBits)),
                                    minExponent - mantissaBits + exponent - 1);
        }
        return (bits & 0x8000) == 0 ? value : -value;
    }

    /** Exact. Takes the low 16 bits. */
    float decode(long bits) {
        return decoded[(int) bits & 0xffff];
    }

    /** NaN becomes 0x7fff, as hardware makes it. */
    int encode(double value, Rounding rounding) {
        if (Double.isNaN(value)) {
            return 0x7fff;
        }
        int sign = Double.doubleToRawLongBits(value) < 0 ? 0x8000 : 0;
        double magnitude = Math.abs(value);
        if (magnitude == 0) {
            return sign;
        }
        if (magnitude == Double.POSITIVE_INFINITY) {
            return sign | infinity;
        }
        int exponent = Math.max(Math.getExponent(magnitude), minExponent);
        // At most 2^(mantissaBits + 1) units in the last place: exact in a double.
        double units = Math.scalb(magnitude, mantissaBits - exponent);
        long rounded = (long) rounding.signed(sign != 0).toInteger(units);
        long bits = ((long) (exponent - minExponent) << mantissaBits) + rounded;
        if (bits >= infinity) {
            boolean away = rounding.signed(sign != 0).overflowsToInfinity();
            return sign | (away ? infinity : infinity - 1);
        }
        return sign | (int) bits;
    }
}
