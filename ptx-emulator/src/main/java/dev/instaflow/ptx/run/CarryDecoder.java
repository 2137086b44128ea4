package dev.instaflow.ptx.run;

import dev.instaflow.ptx.ScalarType;

/** add, addc, sub, subc, mad and madc with the carry flag, a bit a lane of the warp. */
final class CarryDecoder {
    private CarryDecoder() {}

    /** A sum of 64 bits with its carry, or borrow. */
    private interface Sum {
        long apply(long a, long b, long carryIn);
    }

    static Step.Action decode(Decoding d, ScalarType type) {
        boolean sets = d.take("cc");
        boolean uses = d.root().endsWith("c");
        boolean wide = type.sizeBytes() == 8;
        ScalarType unsigned = wide ? ScalarType.U64 : ScalarType.U32;
        boolean product = d.root().startsWith("mad");
        boolean high = product && d.require("lo", "hi").equals("hi");
        boolean difference = d.root().startsWith("sub");
        int out = d.target(0);
        int first = d.value(1, type);
        int second = d.value(2, type);
        int third = product ? d.value(3, type) : second;
        Sum carry = difference ? CarryDecoder::borrow : CarryDecoder::carry;
        return (step, warp, mask) -> {
            int carries = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int lane = Integer.numberOfTrailingZeros(m);
                long in = uses ? warp.carry >>> lane & 1 : 0;
                long a = warp.registers[first][lane];
                long b = warp.registers[second][lane];
                if (product) {
                    a = part(Lanewise.read(a, type), Lanewise.read(b, type), type, high);
                    b = warp.registers[third][lane];
                }
                a = Lanewise.read(a, unsigned);
                b = Lanewise.read(b, unsigned);
                long result = difference ? a - b - in : a + b + in;
                long flag = wide ? carry.apply(a, b, in) : result >>> 32 & 1;
                carries |= flag != 0 ? 1 << lane : 0;
                warp.registers[out][lane] = Lanewise.read(result, unsigned);
            }
            if (sets) {
                warp.carry = warp.carry & ~mask | carries;
            }
        };
    }

    private static long part(long a, long b, ScalarType type, boolean high) {
        if (!high) {
            return a * b;
        }
        if (type.sizeBytes() == 4) {
            return a * b >> 32;
        }
        long signed = Math.multiplyHigh(a, b);
        return type.isSigned() ? signed : signed + (a >> 63 & b) + (b >> 63 & a);
    }

    private static long carry(long a, long b, long in) {
        long sum = a + b;
        boolean over = Long.compareUnsigned(sum, a) < 0 || in != 0 && sum == -1;
        return over ? 1 : 0;
    }

    private static long borrow(long a, long b, long in) {
        boolean under = Long.compareUnsigned(a, b) < 0 || in != 0 && a == b;
        return under ? 1 : 0;
    }
}
