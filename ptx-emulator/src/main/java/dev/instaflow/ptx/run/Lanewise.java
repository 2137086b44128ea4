package dev.instaflow.ptx.run;

import dev.instaflow.ptx.ScalarType;
import java.util.List;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/** Actions that compute each lane from that lane's registers, on bits as the type of the operands reads them. */
final class Lanewise {
    /** Three operands. */
    interface Ternary {
        long apply(long a, long b, long c);
    }

    /** Four operands. */
    interface Quaternary {
        long apply(long a, long b, long c, long d);
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
        return new Unary(d.target(0), d.value(1, type), type, f);
    }

    static Step.Action binary(Decoding d, ScalarType type, LongBinaryOperator f) {
        return binary(d, type, type, f);
    }

    static Step.Action binary(
            Decoding d, ScalarType first, ScalarType second, LongBinaryOperator f) {
        return new Binary(d.target(0), d.value(1, first), first, d.value(2, second), second, f);
    }

    static Step.Action ternary(Decoding d, ScalarType ab, ScalarType third, Ternary f) {
        return ternary(d, List.of(ab, ab, third), f);
    }

    static Step.Action ternary(Decoding d, List<ScalarType> types, Ternary f) {
        return new OfThree(
                d.target(0),
                d.value(1, types.get(0)),
                d.value(2, types.get(1)),
                d.value(3, types.get(2)),
                types,
                f);
    }

    static Step.Action quaternary(Decoding d, List<ScalarType> types, Quaternary f) {
        int[] in = new int[4];
        for (int i = 0; i < in.length; i++) {
            in[i] = d.value(i + 1, types.get(i));
        }
        return new OfFour(d.target(0), in, types, f);
    }

    /** Registers and what is computed of them. */
    record Unary(int out, int in, ScalarType type, LongUnaryOperator f) implements Step.Action {
        @Override
        public void run(Step step, Warp warp, int mask) {
            long[] y = warp.registers[out];
            long[] a = warp.registers[in];
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                y[i] = f.applyAsLong(read(a[i], type));
            }
        }
    }

    /** Registers and what is computed of them. */
    record Binary(
            int out, int left, ScalarType first, int right, ScalarType second, LongBinaryOperator f)
            implements Step.Action {
        @Override
        public void run(Step step, Warp warp, int mask) {
            long[] y = warp.registers[out];
            long[] a = warp.registers[left];
            long[] b = warp.registers[right];
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                y[i] = f.applyAsLong(read(a[i], first), read(b[i], second));
            }
        }
    }

    /** Registers and what is computed of them. */
    record OfThree(int out, int first, int second, int third, List<ScalarType> types, Ternary f)
            implements Step.Action {
        @Override
        public void run(Step step, Warp warp, int mask) {
            long[] y = warp.registers[out];
            long[] a = warp.registers[first];
            long[] b = warp.registers[second];
            long[] c = warp.registers[third];
            ScalarType typeA = types.get(0);
            ScalarType typeB = types.get(1);
            ScalarType typeC = types.get(2);
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                y[i] = f.apply(read(a[i], typeA), read(b[i], typeB), read(c[i], typeC));
            }
        }
    }

    /** Registers and what is computed of them. */
    record OfFour(int out, int[] in, List<ScalarType> types, Quaternary f) implements Step.Action {
        @Override
        public void run(Step step, Warp warp, int mask) {
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                warp.registers[out][i] =
                        f.apply(
                                read(warp.registers[in[0]][i], types.get(0)),
                                read(warp.registers[in[1]][i], types.get(1)),
                                read(warp.registers[in[2]][i], types.get(2)),
                                read(warp.registers[in[3]][i], types.get(3)));
            }
        }
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
                    y[i] = Float.floatToRawIntBits(LaneMath.canonical(sum));
                }
            }
        };
    }
}
