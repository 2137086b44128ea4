package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.ScalarType;
import dev.instaflow.ptx.StateSpace;
import java.math.BigDecimal;
import java.util.List;

/** mov, cvt, cvta, selp, slct: whatever moves a value or changes its form. */
final class ConvertDecoder {
    private ConvertDecoder() {}

    static Step.Action move(Decoding d, ScalarType type) {
        if (type == ScalarType.PRED) {
            int out = d.predicate(d.operand(0));
            Decoding.Lanes in = d.lanes(d.operand(1));
            return (step, warp, mask) -> warp.setPredicate(out, mask, in.in(warp));
        }
        if (d.operand(0) instanceof Operand.Vector || d.operand(1) instanceof Operand.Vector) {
            return d.operand(0) instanceof Operand.Vector ? unpack(d, type) : pack(d, type);
        }
        int out = d.target(0);
        int in = d.value(1, type);
        return (step, warp, mask) -> {
            long[] y = warp.registers[out];
            long[] a = warp.registers[in];
            for (int i = 0; i < Warp.LANES; i++) {
                if ((mask >>> i & 1) != 0) {
                    y[i] = a[i];
                }
            }
        };
    }

    private static Step.Action unpack(Decoding d, ScalarType type) {
        List<Operand> parts = d.elements(0);
        int bits = type.sizeBytes() * 8 / parts.size();
        int in = d.value(1, type);
        int[] out =
                parts.stream()
                        .mapToInt(p -> p instanceof Operand.Sink ? -1 : d.target(p))
                        .toArray();
        long part = (1L << bits) - 1;
        return (step, warp, mask) -> {
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                long whole = warp.registers[in][i];
                for (int k = 0; k < out.length; k++) {
                    if (out[k] >= 0) {
                        warp.registers[out[k]][i] = whole >>> k * bits & part;
                    }
                }
            }
        };
    }

    private static Step.Action pack(Decoding d, ScalarType type) {
        List<Operand> parts = d.elements(1);
        int bits = type.sizeBytes() * 8 / parts.size();
        int out = d.target(0);
        int[] in = parts.stream().mapToInt(p -> d.value(p, ScalarType.B32)).toArray();
        long part = (1L << bits) - 1;
        return (step, warp, mask) -> {
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                long whole = 0;
                for (int k = 0; k < in.length; k++) {
                    whole |= (warp.registers[in[k]][i] & part) << k * bits;
                }
                warp.registers[out][i] = whole;
            }
        };
    }

    static Step.Action select(Decoding d, ScalarType type) {
        int out = d.target(0);
        int yes = d.value(1, type);
        int no = d.value(2, type);
        Decoding.Lanes condition = d.lanes(d.operand(3));
        return (step, warp, mask) -> {
            int chosen = condition.in(warp);
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                warp.registers[out][i] = warp.registers[(chosen >>> i & 1) != 0 ? yes : no][i];
            }
        };
    }

    /** slct: a where c is not negative, otherwise b. */
    static Step.Action selectBySign(Decoding d, ScalarType condition) {
        d.ignore("ftz");
        ScalarType type = d.takeType();
        Codec codec = Codec.of(ScalarType.F32);
        return Lanewise.ternary(
                d,
                type,
                condition,
                (a, b, c) -> (condition.isFloat() ? codec.decode(c) >= 0 : c >= 0) ? a : b);
    }

    static Step.Action convert(Decoding d) {
        if (d.take("pack")) {
            return packSaturated(d);
        }
        ScalarType from = d.takeType();
        ScalarType to = d.takeType();
        boolean flush = d.take("ftz");
        boolean saturate = d.take("sat");
        boolean relu = d.take("relu");
        String mode =
                d.takeAny("rn", "rna", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi").orElse("");
        Rounding rounding = Rounding.named(mode);
        Codec source = new Codec(from, rounding, flush, false, false);
        Codec target = new Codec(to, rounding, flush, saturate, relu);
        if (to == ScalarType.F16X2 || to == ScalarType.BF16X2) {
            return Lanewise.binary(
                    d,
                    from,
                    (a, b) ->
                            target.encode(source.decode(a)) << 16
                                    | target.encode(source.decode(b)));
        }
        if (!from.isFloat()) {
            return to.isFloat()
                    ? Lanewise.unary(d, from, a -> integerToFloat(a, from, target))
                    : Lanewise.unary(
                            d, from, a -> Lanewise.read(saturate ? clamp(a, from, to) : a, to));
        }
        if (!to.isFloat()) {
            return Lanewise.unary(d, from, a -> floatToInteger(source.decode(a), rounding, to));
        }
        boolean integral = mode.endsWith("i");
        return Lanewise.unary(
                d,
                from,
                a -> {
                    double value = source.decode(a);
                    return target.encode(integral ? rounding.toInteger(value) : value);
                });
    }

    private static long integerToFloat(long value, ScalarType from, Codec target) {
        boolean large = from == ScalarType.U64 && value < 0;
        double nearest = large ? (value >>> 1 | value & 1) * 2.0 : (double) value;
        if (from.sizeBytes() < 8 || Math.abs(nearest) < 1L << 53) {
            return target.encode(nearest);
        }
        // Rounded to odd, so that the second rounding is the only one that counts.
        BigDecimal exact =
                large ? new BigDecimal(Long.toUnsignedString(value)) : BigDecimal.valueOf(value);
        int side = exact.compareTo(new BigDecimal(nearest));
        boolean even = (Double.doubleToRawLongBits(nearest) & 1) == 0;
        if (side != 0 && even && target.type() != ScalarType.F64) {
            nearest = side > 0 ? Math.nextUp(nearest) : Math.nextDown(nearest);
        }
        return target.encode(nearest);
    }

    /** Out of range gives the nearest number in range, NaN gives 0. */
    private static long floatToInteger(double value, Rounding rounding, ScalarType to) {
        double whole = rounding.toInteger(value);
        int bits = to.sizeBytes() * 8;
        if (to.isSigned()) {
            double limit = Math.scalb(1.0, bits - 1);
            long result = (long) Math.max(-limit, Math.min(whole, limit));
            return bits < 64 && whole >= limit ? (1L << bits - 1) - 1 : result;
        }
        if (!(whole > 0)) {
            return 0;
        }
        double limit = Math.scalb(1.0, bits);
        if (whole >= limit) {
            return bits == 64 ? -1 : (1L << bits) - 1;
        }
        return whole < 0x1p63 ? (long) whole : (long) (whole - 0x1p63) | Long.MIN_VALUE;
    }

    private static long clamp(long value, ScalarType from, ScalarType to) {
        int bits = to.sizeBytes() * 8;
        if (to.isSigned()) {
            long max = bits == 64 ? Long.MAX_VALUE : (1L << bits - 1) - 1;
            boolean huge = from == ScalarType.U64 && value < 0;
            return huge ? max : Math.max(-max - 1, Math.min(max, value));
        }
        if (from.isSigned() && value < 0) {
            return 0;
        }
        long max = bits == 64 ? -1 : (1L << bits) - 1;
        return Long.compareUnsigned(value, max) > 0 ? max : value;
    }

    /** isspacep: whether a generic address lies in a space. */
    static Step.Action isSpace(Decoding d) {
        StateSpace space = d.takeSpace();
        int out = d.predicate(d.operand(0));
        int in = d.value(1, ScalarType.U64);
        return (step, warp, mask) -> {
            int result = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int lane = Integer.numberOfTrailingZeros(m);
                long address = warp.registers[in][lane];
                boolean holds = MemoryUnit.spaceOf(StateSpace.GENERIC, address) == space;
                result |= holds ? 1 << lane : 0;
            }
            warp.setPredicate(out, mask, result);
        };
    }

    /** cvt.pack: two integers saturated and put below what the third operand holds. */
    private static Step.Action packSaturated(Decoding d) {
        d.require("sat");
        ScalarType rest = d.takeType();
        ScalarType from = d.takeType();
        ScalarType to = d.takeType();
        if (rest != ScalarType.B32 || from != ScalarType.S32 || to.sizeBytes() > 2) {
            throw d.error("is known for .s32 to 8 or 16 bits and .b32 only");
        }
        int bits = 8 * to.sizeBytes();
        long part = (1L << bits) - 1;
        return Lanewise.ternary(
                d,
                from,
                rest,
                (a, b, c) ->
                        c << 2 * bits
                                | (clamp(a, from, to) & part) << bits
                                | clamp(b, from, to) & part);
    }

    /** Generic addresses of shared and local memory lie in windows; global ones are the same. */
    static Step.Action convertAddress(Decoding d) {
        boolean toSpace = d.take("to");
        long window =
                switch (d.takeSpace()) {
                    case SHARED -> MemoryUnit.SHARED_WINDOW;
                    case LOCAL -> MemoryUnit.LOCAL_WINDOW;
                    default -> 0;
                };
        return Lanewise.unary(d, ScalarType.U64, a -> toSpace ? a - window : a + window);
    }
}
