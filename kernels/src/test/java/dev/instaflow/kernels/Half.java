package dev.instaflow.kernels;

/** 16-bit floats, rounded to nearest even; Java 17 has none. */
final class Half {
    private Half() {}

    static short encode(Storage storage, float x) {
        if (storage == Storage.BF16) {
            int bits = Float.floatToRawIntBits(x);
            return (short) (Float.isNaN(x) ? 0x7fff : bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
        }
        int sign = Float.floatToRawIntBits(x) >>> 16 & 0x8000;
        double magnitude = Math.abs((double) x);
        if (Float.isNaN(x)) {
            return 0x7fff;
        }
        // 65520 is half way to the number after the largest.
        if (magnitude >= 65520) {
            return (short) (sign | 0x7c00);
        }
        int exponent = Math.max(Math.getExponent(magnitude), -14);
        long units = (long) Math.rint(Math.scalb(magnitude, 10 - exponent));
        // A carry to 2048 units, or 1024 from a subnormal, runs into the exponent by itself.
        return (short) (sign | (int) (units + ((long) (exponent + 14) << 10)));
    }

    static float decode(Storage storage, short half) {
        if (storage == Storage.BF16) {
            return Float.intBitsToFloat(half << 16);
        }
        int exponent = half >>> 10 & 31;
        int fraction = half & 1023;
        float magnitude =
                exponent == 31
                        ? (fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN)
                        : exponent == 0
                                ? Math.scalb((float) fraction, -24)
                                : Math.scalb((float) (1024 + fraction), exponent - 25);
        return half < 0 ? -magnitude : magnitude;
    }

    /** The nearest number that the storage has. */
    static float round(Storage storage, float x) {
        return storage == Storage.F32 ? x : decode(storage, encode(storage, x));
    }
}
