package dev.instaflow.ptx.run;

import dev.instaflow.ptx.ScalarType;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/** Actions that compute each lane from that lane's registers, on bits as the type of the operands reads them. */
final class Lanewise {
    /** Three operands. */
    interface Ternary {
        long apply(long a, long b, long c);
    }

    private Lanewise() {}

    /** The bits of a register that a type has, extended as it demands. */
    static long read(long bits, ScalarType type) {
        return switch (type) {
            case S8 -> (byte) bits;
            case S16 -> (short) bits;
            case S32 -> (int) bits;
            case U8, B8 -> bits & 0xff;
            case U16, B16, F16, BF16 -> bits & 0xffff;
            case U64, S64, B64, F64 -> bits;
            default -> bits & 0xffffffffL;
        };
    }

    static Step.Action unary(Decoding d, ScalarType type, LongUnaryOperator f) {
        int out = d.target(0);
        int in = d.value(1, type);
        return (step, warp, mask) -> {
            long[] y = warp.registers[out];
            long[] a = warp.registers[in];
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                y[i] = f.applyAsLong(read(a[i], type));
            }
        };
    }

    static Step.Action binary(Decoding d, ScalarType type, LongBinaryOperator f) {
        return binary(d, type, type, f);
    }

    static Step.Action binary(
            Decoding d, ScalarType first, ScalarType second, LongBinaryOperator f) {
        int out = d.target(0);
        int left = d.value(1, first);
        int right = d.value(2, second);
        return (step, warp, mask) -> {
            long[] y = warp.registers[out];
            long[] a = warp.registers[left];
            long[] b = warp.registers[right];
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                y[i] = f.applyAsLong(read(a[i], first), read(b[i], second));
            }
        };
    }

    static Step.Action ternary(Decoding d, ScalarType ab, ScalarType third, Ternary f) {
        int out = d.target(0);
        int first = d.value(1, ab);
        int second = d.value(2, ab);
        int last = d.value(3, third);
        return (step, warp, mask) -> {
            long[] y = warp.registers[out];
            long[] a = warp.registers[first];
            long[] b = warp.registers[second];
            long[] c = warp.registers[last];
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                y[i] = f.apply(read(a[i], ab), read(b[i], ab), read(c[i], third));
            }
        };
    }

    /** The most frequent instruction of all, without a call a lane. */
    static Step.Action fmaF32(Decoding d) {
        int out = d.target(0);
        int first = d.value(1, ScalarType.F32);
        int second = d.value(2, ScalarType.F32);
        int third = d.value(3, ScalarType.F32);
        return (step, warp, mask) -> {
            long[] y = warp.registers[out];
            long[] a = warp.registers[first];
            long[] b = warp.registers[second];
            long[] c = warp.registers[third];
            for (int i = 0; i < Warp.LANES; i++) {
                if ((mask >>> i & 1) != 0) {
                    float x = Float.intBitsToFloat((int) a[i]);
                    float z = Float.intBitsToFloat((int) b[i]);
                    float sum = Math.fma(x, z, Float.intBitsToFloat((int) c[i]));
                    y[i] = Float.floatToRawIntBits(sum);
                }
            }
        };
    }
}
