package dev.instaflow.ptx.run;

/** Arithmetic of one lane as compiled kernels call it; equal to the interpreter's, bit for bit. */
final class LaneMath {
    /** Which NaN Java makes is not defined; hardware makes this one. */
    private static final float NAN = Float.intBitsToFloat(0x7fffffff);

    private LaneMath() {}

    /** The value, or hardware's NaN. */
    static float canonical(float value) {
        return value == value ? value : NAN;
    }

    /** Subnormal numbers become zero of their sign. */
    static float flush(float value) {
        return Math.abs(value) < Float.MIN_NORMAL ? Math.copySign(0f, value) : value;
    }

    /** The number, if one operand is NaN. */
    static float min(float a, float b) {
        float least = Math.min(a, b);
        return least == least ? least : a == a ? a : canonical(b);
    }

    /** The number, if one operand is NaN. */
    static float max(float a, float b) {
        float most = Math.max(a, b);
        return most == most ? most : a == a ? a : canonical(b);
    }

    /** Not 0 if two numbers differ; 0 if one is NaN. */
    static int ordered(float a, float b) {
        return a < b ? -1 : a > b ? 1 : 0;
    }

    static int shiftLeft(int a, int n) {
        return (n & ~31) == 0 ? a << n : 0;
    }

    static int shiftRight(int a, int n) {
        return (n & ~31) == 0 ? a >>> n : 0;
    }

    static int shiftRightSigned(int a, int n) {
        return (n & ~31) == 0 ? a >> n : a >> 31;
    }

    static long shiftLeft(long a, int n) {
        return (n & ~63) == 0 ? a << n : 0;
    }

    static long shiftRight(long a, int n) {
        return (n & ~63) == 0 ? a >>> n : 0;
    }

    static long shiftRightSigned(long a, int n) {
        return (n & ~63) == 0 ? a >> n : a >> 63;
    }
}
