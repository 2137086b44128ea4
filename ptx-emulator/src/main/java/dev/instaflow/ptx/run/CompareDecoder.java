package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.ScalarType;

/** setp and set. */
final class CompareDecoder {
    private static final String[] COMPARISONS = {
        "eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu",
        "gtu", "geu", "num", "nan"
    };

    /** Of two values as their type reads them. */
    interface Test {
        boolean holds(long a, long b);
    }

    private CompareDecoder() {}

    static Step.Action setPredicate(Decoding d, ScalarType type) {
        String comparison = d.require(COMPARISONS);
        String combine = d.takeAny("and", "or", "xor").orElse("");
        Test test = test(d, type, comparison, d.take("ftz"));
        Operand target = d.operand(0);
        Operand first = target instanceof Operand.Pair p ? p.first() : target;
        int out = d.predicate(first);
        int second = target instanceof Operand.Pair p ? d.predicate(p.second()) : -1;
        int left = d.value(1, type);
        int right = d.value(2, type);
        Decoding.Lanes other = combine.isEmpty() ? w -> -1 : d.lanes(d.operand(3));
        return new SetPredicate(out, second, left, right, type, test, combine, other);
    }

    /**
     * @param second gets the opposite, or the upper half's result of a pair; -1 for none
     * @param combine with {@code other}: and, or, xor, empty for not at all
     */
    record SetPredicate(
            int out,
            int second,
            int left,
            int right,
            ScalarType type,
            Test test,
            String combine,
            Decoding.Lanes other)
            implements Step.Action {
        boolean isPair() {
            return type == ScalarType.F16X2 || type == ScalarType.BF16X2;
        }

        @Override
        public void run(Step step, Warp warp, int mask) {
            int result = compare(warp, mask, left, right, 0, type, test);
            int negative = isPair() ? compare(warp, mask, left, right, 16, type, test) : ~result;
            int c = other.in(warp);
            warp.setPredicate(out, mask, combined(combine, result, c));
            if (second >= 0) {
                warp.setPredicate(second, mask, combined(combine, negative, c));
            }
        }
    }

    private static int combined(String how, int a, int b) {
        return switch (how) {
            case "or" -> a | b;
            case "xor" -> a ^ b;
            default -> a & b;
        };
    }

    private static int compare(
            Warp warp, int mask, int left, int right, int shift, ScalarType type, Test test) {
        long[] a = warp.registers[left];
        long[] b = warp.registers[right];
        int result = 0;
        for (int m = mask; m != 0; m &= m - 1) {
            int i = Integer.numberOfTrailingZeros(m);
            long x = Lanewise.read(a[i], type) >> shift;
            if (test.holds(x, Lanewise.read(b[i], type) >> shift)) {
                result |= 1 << i;
            }
        }
        return result;
    }

    /** set: all ones, or 1.0 if the target is a float. */
    static Step.Action set(Decoding d, ScalarType type) {
        ScalarType to = d.takeType();
        Test test = test(d, type, d.require(COMPARISONS), d.take("ftz"));
        long yes =
                switch (to) {
                    case F32 -> Float.floatToRawIntBits(1f);
                    case F16, F16X2 -> 0x3c00;
                    case BF16, BF16X2 -> 0x3f80;
                    default -> to.sizeBytes() == 2 ? 0xffff : 0xffffffffL;
                };
        boolean pair = type == ScalarType.F16X2 || type == ScalarType.BF16X2;
        long one = pair ? yes & 0xffff : yes;
        return Lanewise.binary(
                d,
                type,
                (a, b) -> {
                    long low = test.holds(a, b) ? one : 0;
                    return pair && test.holds(a >>> 16, b >>> 16) ? low | one << 16 : low;
                });
    }

    private static Test test(Decoding d, ScalarType type, String comparison, boolean flush) {
        if (type.isFloat()) {
            Codec codec = new Codec(type, Rounding.NEAREST_EVEN, flush, false, false);
            return (a, b) -> floats(comparison, codec.decode(a), codec.decode(b));
        }
        boolean unsigned = type == ScalarType.U64;
        return switch (comparison) {
            case "eq" -> (a, b) -> a == b;
            case "ne" -> (a, b) -> a != b;
            case "lt", "lo" -> (a, b) -> order(a, b, unsigned) < 0;
            case "le", "ls" -> (a, b) -> order(a, b, unsigned) <= 0;
            case "gt", "hi" -> (a, b) -> order(a, b, unsigned) > 0;
            case "ge", "hs" -> (a, b) -> order(a, b, unsigned) >= 0;
            default -> throw d.error("." + comparison + " compares floats only");
        };
    }

    private static int order(long a, long b, boolean unsigned) {
        return unsigned ? Long.compareUnsigned(a, b) : Long.compare(a, b);
    }

    private static boolean floats(String comparison, double a, double b) {
        boolean unordered = Double.isNaN(a) || Double.isNaN(b);
        return switch (comparison) {
            case "eq" -> a == b;
            case "ne" -> a != b && !unordered;
            case "lt" -> a < b;
            case "le" -> a <= b;
            case "gt" -> a > b;
            case "ge" -> a >= b;
            case "equ" -> a == b || unordered;
            case "neu" -> a != b;
            case "ltu" -> a < b || unordered;
            case "leu" -> a <= b || unordered;
            case "gtu" -> a > b || unordered;
            case "geu" -> a >= b || unordered;
            case "num" -> !unordered;
            case "nan" -> unordered;
            default -> throw new IllegalStateException("not a float comparison: " + comparison);
        };
    }
}
