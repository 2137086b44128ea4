package dev.instaflow.ptx.run;

import dev.instaflow.ptx.ScalarType;
import java.util.List;

/** dp4a, dp2a, and the instructions about fields of bits that are rarely seen: szext, bmsk, fns. */
final class ProductDecoder {
    private ProductDecoder() {}

    /** Dot products of four bytes by four, or two halves by two bytes of the low or the high part. */
    static Step.Action dot(Decoding d) {
        boolean four = d.root().equals("dp4a");
        boolean high = !four && d.require("lo", "hi").equals("hi");
        ScalarType right = d.takeType();
        ScalarType left = d.takeType();
        int count = four ? 4 : 2;
        int leftBits = four ? 8 : 16;
        int skip = high ? 16 : 0;
        return Lanewise.ternary(
                d,
                List.of(ScalarType.B32, ScalarType.B32, ScalarType.B32),
                (a, b, c) -> {
                    long sum = c;
                    for (int i = 0; i < count; i++) {
                        long x = element(a, i * leftBits, leftBits, left.isSigned());
                        sum += x * element(b, skip + i * 8, 8, right.isSigned());
                    }
                    return sum;
                });
    }

    private static long element(long bits, int at, int width, boolean signed) {
        long up = bits << 64 - width - at;
        return signed ? up >> 64 - width : up >>> 64 - width;
    }

    static Step.Action mask(Decoding d, ScalarType type) {
        if (d.root().equals("fns")) {
            return Lanewise.ternary(d, ScalarType.B32, ScalarType.S32, ProductDecoder::findSet);
        }
        boolean clamp = d.require("clamp", "wrap").equals("clamp");
        if (d.root().equals("szext")) {
            return Lanewise.binary(
                    d,
                    type,
                    ScalarType.U32,
                    (a, n) -> {
                        int width = (int) (clamp ? Math.min(n, 32) : n & 31);
                        return width == 0 ? 0 : element(a, 0, width, type.isSigned());
                    });
        }
        return Lanewise.binary(
                d,
                type,
                (from, n) -> {
                    long at = clamp ? Math.min(from, 32) : from & 31;
                    long width = clamp ? Math.min(n, 32) : n & 31;
                    return ((1L << width) - 1 << at) & 0xffffffffL;
                });
    }

    /** The n-th set bit from a base, upwards or, for negative n, downwards; all ones if there is none. */
    private static long findSet(long mask, long base, long n) {
        if (n == 0) {
            return base < 32 && (mask >>> base & 1) != 0 ? base : 0xffffffffL;
        }
        int left = (int) Math.abs(n);
        int step = n > 0 ? 1 : -1;
        for (int at = (int) base; at >= 0 && at < 32; at += step) {
            if ((mask >>> at & 1) != 0 && --left == 0) {
                return at;
            }
        }
        return 0xffffffffL;
    }
}
