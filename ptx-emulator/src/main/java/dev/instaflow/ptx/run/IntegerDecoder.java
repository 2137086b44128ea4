package dev.instaflow.ptx.run;

import dev.instaflow.ptx.ScalarType;
import java.util.List;
import java.util.Optional;
import java.util.function.LongBinaryOperator;

/** Integer arithmetic, bitwise operations and shifts. */
final class IntegerDecoder {
    private IntegerDecoder() {}

    static Step.Action arithmetic(Decoding d, ScalarType type) {
        return switch (d.root()) {
            case "add" -> saturating(d, type, (a, b) -> a + b);
            case "sub" -> saturating(d, type, (a, b) -> a - b);
            case "mul" -> multiply(d, type);
            case "mad" -> multiplyAdd(d, type);
            case "mul24", "mad24" -> product24(d, type);
            case "sad" -> Lanewise.ternary(d, type, type, (a, b, c) -> c + Math.abs(a - b));
            case "div" -> Lanewise.binary(d, type, divide(type));
            case "rem" -> Lanewise.binary(d, type, remainder(type));
            case "min" ->
                    Lanewise.binary(
                            d,
                            type,
                            type == ScalarType.U64
                                    ? (a, b) -> Long.compareUnsigned(a, b) < 0 ? a : b
                                    : Math::min);
            case "max" ->
                    Lanewise.binary(
                            d,
                            type,
                            type == ScalarType.U64
                                    ? (a, b) -> Long.compareUnsigned(a, b) > 0 ? a : b
                                    : Math::max);
            case "neg" -> Lanewise.unary(d, type, a -> -a);
            case "abs" -> Lanewise.unary(d, type, Math::abs);
            default -> throw d.error("is not known for integers");
        };
    }

    private static Step.Action saturating(Decoding d, ScalarType type, LongBinaryOperator f) {
        if (!d.take("sat")) {
            return Lanewise.binary(d, type, f);
        }
        return Lanewise.binary(
                d,
                type,
                (a, b) ->
                        Math.max(
                                Integer.MIN_VALUE,
                                Math.min(Integer.MAX_VALUE, f.applyAsLong(a, b))));
    }

    private static Step.Action multiply(Decoding d, ScalarType type) {
        String part = d.require("lo", "hi", "wide");
        return Lanewise.binary(d, type, part.equals("hi") ? high(type) : (a, b) -> a * b);
    }

    private static Step.Action multiplyAdd(Decoding d, ScalarType type) {
        String part = d.require("lo", "hi", "wide");
        // The third operand of mad.wide is twice as wide; adding all bits is right for every width.
        ScalarType third = part.equals("wide") ? wider(type) : type;
        LongBinaryOperator product = part.equals("hi") ? high(type) : (a, b) -> a * b;
        return Lanewise.ternary(d, type, third, (a, b, c) -> product.applyAsLong(a, b) + c);
    }

    private static Step.Action product24(Decoding d, ScalarType type) {
        d.require("lo");
        int shift = 40;
        LongBinaryOperator product =
                type.isSigned()
                        ? (a, b) -> (a << shift >> shift) * (b << shift >> shift)
                        : (a, b) -> (a << shift >>> shift) * (b << shift >>> shift);
        return d.root().equals("mul24")
                ? Lanewise.binary(d, type, product)
                : Lanewise.ternary(d, type, type, (a, b, c) -> product.applyAsLong(a, b) + c);
    }

    private static ScalarType wider(ScalarType type) {
        return switch (type) {
            case U16 -> ScalarType.U32;
            case S16 -> ScalarType.S32;
            case U32 -> ScalarType.U64;
            default -> ScalarType.S64;
        };
    }

    private static LongBinaryOperator high(ScalarType type) {
        if (type == ScalarType.U64) {
            return (a, b) -> Math.multiplyHigh(a, b) + (a >> 63 & b) + (b >> 63 & a);
        }
        if (type == ScalarType.S64) {
            return Math::multiplyHigh;
        }
        int bits = type.sizeBytes() * 8;
        return (a, b) -> a * b >> bits;
    }

    /** Division by zero has no defined result; hardware gives all ones. */
    private static LongBinaryOperator divide(ScalarType type) {
        return type == ScalarType.U64
                ? (a, b) -> b == 0 ? -1 : Long.divideUnsigned(a, b)
                : (a, b) -> b == 0 ? -1 : a / b;
    }

    private static LongBinaryOperator remainder(ScalarType type) {
        return type == ScalarType.U64
                ? (a, b) -> b == 0 ? a : Long.remainderUnsigned(a, b)
                : (a, b) -> b == 0 ? a : a % b;
    }

    static Step.Action bitwise(Decoding d, ScalarType type) {
        if (type == ScalarType.PRED) {
            return predicateLogic(d);
        }
        return switch (d.root()) {
            case "and" -> Lanewise.binary(d, type, (a, b) -> a & b);
            case "or" -> Lanewise.binary(d, type, (a, b) -> a | b);
            case "xor" -> Lanewise.binary(d, type, (a, b) -> a ^ b);
            case "not" -> Lanewise.unary(d, type, a -> ~a);
            default -> Lanewise.unary(d, type, a -> a == 0 ? 1 : 0);
        };
    }

    private static Step.Action predicateLogic(Decoding d) {
        int out = d.predicate(d.operand(0));
        Decoding.Lanes a = d.lanes(d.operand(1));
        if (d.root().equals("not")) {
            return (step, warp, mask) -> warp.setPredicate(out, mask, ~a.in(warp));
        }
        Decoding.Lanes b = d.lanes(d.operand(2));
        return switch (d.root()) {
            case "and" ->
                    (step, warp, mask) -> warp.setPredicate(out, mask, a.in(warp) & b.in(warp));
            case "or" ->
                    (step, warp, mask) -> warp.setPredicate(out, mask, a.in(warp) | b.in(warp));
            case "xor" ->
                    (step, warp, mask) -> warp.setPredicate(out, mask, a.in(warp) ^ b.in(warp));
            default -> throw d.error("is not known for predicates");
        };
    }

    static Step.Action shift(Decoding d, ScalarType type) {
        int bits = type.sizeBytes() * 8;
        ScalarType amount = ScalarType.U32;
        if (d.root().equals("shl")) {
            return Lanewise.binary(d, type, amount, (a, n) -> n >= bits ? 0 : a << n);
        }
        return type.isSigned()
                ? Lanewise.binary(d, type, amount, (a, n) -> a >> Math.min(n, 63))
                : Lanewise.binary(d, type, amount, (a, n) -> n >= bits ? 0 : a >>> n);
    }

    static Step.Action funnelShift(Decoding d, ScalarType type) {
        boolean left = d.require("l", "r").equals("l");
        boolean wrap = d.require("wrap", "clamp").equals("wrap");
        return Lanewise.ternary(
                d,
                type,
                type,
                (low, high, n) -> {
                    int by = (int) (wrap ? n & 31 : Math.min(n, 32));
                    long both = high << 32 | low;
                    return left ? both << by >>> 32 : both >>> by;
                });
    }

    static Step.Action field(Decoding d, ScalarType type) {
        int bits = type.sizeBytes() * 8;
        if (d.root().equals("bfe")) {
            return Lanewise.ternary(
                    d,
                    List.of(type, ScalarType.U8, ScalarType.U8),
                    (a, at, n) -> extract(a, (int) at, (int) n, bits, type));
        }
        return Lanewise.quaternary(
                d,
                List.of(type, type, ScalarType.U8, ScalarType.U8),
                (in, into, at, n) -> {
                    long field = at >= bits ? 0 : ones((int) n) << at;
                    return into & ~field | (at >= bits ? 0 : in << at) & field;
                });
    }

    private static long ones(int count) {
        return count >= 64 ? -1 : (1L << count) - 1;
    }

    /** A signed field that reaches beyond the value is filled with its sign. */
    private static long extract(long a, int at, int count, int bits, ScalarType type) {
        if (count == 0) {
            return 0;
        }
        if (!type.isSigned()) {
            return at >= bits ? 0 : a >>> at & ones(count);
        }
        long shifted = a >> Math.min(at, 63);
        return count >= 64 ? shifted : shifted << 64 - count >> 64 - count;
    }

    static Step.Action count(Decoding d, ScalarType type) {
        boolean narrow = type.sizeBytes() == 4;
        return switch (d.root()) {
            case "popc" -> Lanewise.unary(d, type, Long::bitCount);
            case "clz" ->
                    Lanewise.unary(d, type, a -> Long.numberOfLeadingZeros(a) - (narrow ? 32 : 0));
            case "brev" ->
                    Lanewise.unary(d, type, a -> narrow ? Long.reverse(a) >>> 32 : Long.reverse(a));
            default -> findBit(d, type);
        };
    }

    private static Step.Action findBit(Decoding d, ScalarType type) {
        boolean amount = d.take("shiftamt");
        int top = type.sizeBytes() * 8 - 1;
        return Lanewise.unary(
                d,
                type,
                a -> {
                    long bits = type.isSigned() && a < 0 ? ~a : a;
                    if (bits == 0) {
                        return 0xffffffffL;
                    }
                    int at = 63 - Long.numberOfLeadingZeros(bits);
                    return amount ? top - at : at;
                });
    }

    static Step.Action permute(Decoding d, ScalarType type) {
        Optional<String> mode = d.takeAny("f4e", "b4e", "rc8", "ecl", "ecr", "rc16");
        if (mode.isPresent()) {
            String how = mode.get();
            return Lanewise.ternary(
                    d, type, type, (a, b, n) -> permuted(a, b, selector(how, (int) n & 3)));
        }
        return Lanewise.ternary(d, type, type, IntegerDecoder::permuted);
    }

    /** The four choices that a mode of prmt stands for; PTX ISA, "prmt". */
    private static long selector(String mode, int n) {
        long result = 0;
        for (int i = 0; i < 4; i++) {
            int choice =
                    switch (mode) {
                        case "f4e" -> n + i;
                        case "b4e" -> n - i & 7;
                        case "rc8" -> n;
                        case "ecl" -> Math.max(n, i);
                        case "ecr" -> Math.min(n, i);
                        default -> (n & 1) * 2 + (i & 1);
                    };
            result |= (long) choice << 4 * i;
        }
        return result;
    }

    private static long permuted(long a, long b, long selector) {
        long both = b << 32 | a;
        long result = 0;
        for (int i = 0; i < 4; i++) {
            int choice = (int) (selector >>> 4 * i) & 15;
            long chosen = both >>> 8 * (choice & 7) & 0xff;
            // The high bit asks for the sign of the byte in all its bits.
            long value = choice < 8 ? chosen : chosen >>> 7 == 0 ? 0 : 0xff;
            result |= value << 8 * i;
        }
        return result;
    }

    static Step.Action logic3(Decoding d, ScalarType type) {
        int table = d.immediate(4);
        return Lanewise.ternary(
                d,
                type,
                type,
                (a, b, c) -> {
                    long result = 0;
                    for (int i = 0; i < 8; i++) {
                        if ((table >>> i & 1) != 0) {
                            long x = (i & 4) != 0 ? a : ~a;
                            long y = (i & 2) != 0 ? b : ~b;
                            long z = (i & 1) != 0 ? c : ~c;
                            result |= x & y & z;
                        }
                    }
                    return result;
                });
    }
}
