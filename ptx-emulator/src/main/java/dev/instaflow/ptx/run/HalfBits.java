package dev.instaflow.ptx.run;

/** IEEE 754 half precision on the host side, for filling and reading buffers. */
public final class HalfBits {
    private HalfBits() {}

    /** Rounded to the nearest, ties to even. */
    public static short ofFloat(float value) {
        return (short) HalfFormat.F16.encode(value, Rounding.NEAREST_EVEN);
    }

    /** Exact. */
    public static float toFloat(short bits) {
        return HalfFormat.F16.decode(bits);
    }
}
