package dev.instaflow.ptx.run;

import dev.instaflow.ptx.ScalarType;
import java.util.function.DoubleUnaryOperator;

/**
 * Arithmetic on f32, f64, f16, bf16 and pairs of the latter two.
 * <p>Rounded as IEEE 754 where PTX says so. The approximate functions (ex2, lg2, sin, cos, rcp, rsqrt,
 * sqrt, tanh, div.approx, div.full) are computed in F64, made as bad as {@link Approximation} says, and
 * rounded once.
 */
final class FloatDecoder {
    private FloatDecoder() {}

    private interface Function {
        double apply(double a, double b, double c);
    }

    static Step.Action arithmetic(Decoding d, ScalarType type) {
        boolean flush = d.take("ftz");
        boolean saturate = d.take("sat");
        boolean relu = d.take("relu");
        boolean propagate = d.take("NaN");
        String root = d.root();
        Rounding rounding = Rounding.NEAREST_EVEN;
        if (root.equals("add")
                || root.equals("sub")
                || root.equals("mul")
                || root.equals("fma")
                || root.equals("mad")) {
            rounding = Rounding.named(d.takeAny("rn", "rz", "rm", "rp").orElse("rn"));
        }
        if (type == ScalarType.F32
                && (root.equals("fma") || root.equals("mad"))
                && rounding == Rounding.NEAREST_EVEN
                && !flush
                && !saturate) {
            return Lanewise.fmaF32(d);
        }
        Function f = function(d, root, propagate, rounding, type);
        Codec codec = new Codec(type, rounding, flush, saturate, relu);
        return lanes(d, type, codec, f);
    }

    private static Function function(
            Decoding d, String root, boolean propagate, Rounding rounding, ScalarType type) {
        if (type == ScalarType.F64 && rounding != Rounding.NEAREST_EVEN) {
            throw d.error("is known for f64 only with .rn");
        }
        return switch (root) {
            case "add" -> (a, b, c) -> sum(a, b, type);
            case "sub" -> (a, b, c) -> sum(a, -b, type);
            case "mul" -> (a, b, c) -> a * b;
            case "fma", "mad" ->
                    type == ScalarType.F64
                            ? (a, b, c) -> Math.fma(a, b, c)
                            : (a, b, c) -> sum(a * b, c, type);
            case "min" -> (a, b, c) -> pick(a, b, Math.min(a, b), propagate);
            case "max" -> (a, b, c) -> pick(a, b, Math.max(a, b), propagate);
            case "neg" -> (a, b, c) -> -a;
            case "abs" -> (a, b, c) -> Math.abs(a);
            case "copysign" -> (a, b, c) -> Math.copySign(b, a);
            default -> throw d.error("is not known for floating point");
        };
    }

    private static double pick(double a, double b, double both, boolean propagate) {
        if (propagate || !Double.isNaN(both)) {
            return both;
        }
        return Double.isNaN(a) ? b : a;
    }

    /**
     * A sum rounded to odd in F64, so that rounding it again to a format of at most 51 bits gives the
     * sum rounded once (Boldo and Melquiond 2008, "Emulation of FMA and correctly rounded sums").
     */
    static double sum(double a, double b, ScalarType type) {
        double s = a + b;
        if (type == ScalarType.F64 || Double.isNaN(s) || Double.isInfinite(s)) {
            return s;
        }
        double bRounded = s - a;
        double error = (a - (s - bRounded)) + (b - bRounded);
        if (error == 0 || (Double.doubleToRawLongBits(s) & 1) != 0) {
            return s;
        }
        return error > 0 ? Math.nextUp(s) : Math.nextDown(s);
    }

    static Step.Action divide(Decoding d, ScalarType type) {
        boolean approximate = d.takeAny("approx", "full").isPresent();
        Rounding rounding = Rounding.named(d.takeAny("rn", "rz", "rm", "rp").orElse("rn"));
        boolean flush = d.take("ftz");
        Approximation.Error error =
                approximate ? d.approximation().error("div", "") : (exact, operand) -> exact;
        // The quotient of two 24-bit numbers is never so near a midpoint that rounding twice
        // differs.
        Codec codec = new Codec(type, rounding, flush, false, false);
        return lanes(d, type, codec, (a, b, c) -> error.of(a / b, a));
    }

    static Step.Action special(Decoding d, ScalarType type) {
        boolean approximate = d.take("approx");
        Rounding rounding = Rounding.named(d.takeAny("rn", "rz", "rm", "rp").orElse("rn"));
        boolean flush = d.take("ftz");
        DoubleUnaryOperator f = function(d);
        String suffix =
                switch (type) {
                    case F16, F16X2 -> "F16";
                    case BF16, BF16X2 -> "BF16";
                    default -> "";
                };
        Approximation.Error error =
                approximate && type != ScalarType.F64
                        ? d.approximation().error(d.root(), suffix)
                        : (exact, operand) -> exact;
        Codec codec = new Codec(type, rounding, flush, false, false);
        return lanes(d, type, codec, (a, b, c) -> error.of(f.applyAsDouble(a), a));
    }

    private static DoubleUnaryOperator function(Decoding d) {
        return switch (d.root()) {
            case "rcp" -> a -> 1 / a;
            case "sqrt" -> Math::sqrt;
            case "rsqrt" -> a -> 1 / Math.sqrt(a);
            case "ex2" -> a -> Math.pow(2, a);
            case "lg2" -> a -> Math.log(a) / Math.log(2);
            case "sin" -> Math::sin;
            case "cos" -> Math::cos;
            case "tanh" -> Math::tanh;
            default -> throw d.error("is not known");
        };
    }

    private static Step.Action lanes(Decoding d, ScalarType type, Codec codec, Function f) {
        boolean pair = type == ScalarType.F16X2 || type == ScalarType.BF16X2;
        return switch (d.operandCount()) {
            case 2 -> Lanewise.unary(d, type, a -> onBits(codec, f, pair, a, 0, 0));
            case 3 -> Lanewise.binary(d, type, (a, b) -> onBits(codec, f, pair, a, b, 0));
            case 4 -> Lanewise.ternary(d, type, type, (a, b, c) -> onBits(codec, f, pair, a, b, c));
            default -> throw d.error("has " + d.operandCount() + " operands");
        };
    }

    private static long onBits(Codec codec, Function f, boolean pair, long a, long b, long c) {
        double low = f.apply(codec.decode(a), codec.decode(b), codec.decode(c));
        if (!pair) {
            return codec.encode(low);
        }
        double high =
                f.apply(codec.decode(a >>> 16), codec.decode(b >>> 16), codec.decode(c >>> 16));
        return codec.encode(low) | codec.encode(high) << 16;
    }

    static Step.Action test(Decoding d, ScalarType type) {
        String what =
                d.require("finite", "infinite", "number", "notanumber", "normal", "subnormal");
        int out = d.predicate(d.operand(0));
        int in = d.value(1, type);
        Codec codec = Codec.of(type);
        double least = type == ScalarType.F64 ? Double.MIN_NORMAL : Float.MIN_NORMAL;
        return (step, warp, mask) -> {
            int result = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                double a = Math.abs(codec.decode(warp.registers[in][i]));
                boolean holds =
                        switch (what) {
                            case "finite" -> a <= Double.MAX_VALUE;
                            case "infinite" -> Double.isInfinite(a);
                            case "number" -> !Double.isNaN(a);
                            case "notanumber" -> Double.isNaN(a);
                            case "normal" -> a >= least && a <= Double.MAX_VALUE;
                            default -> a > 0 && a < least;
                        };
                result |= holds ? 1 << i : 0;
            }
            warp.setPredicate(out, mask, result);
        };
    }
}
