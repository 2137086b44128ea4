package dev.instaflow.ptx.run;

import java.util.Locale;

/**
 * What ex2, lg2, sin, cos, tanh, rcp, rsqrt, sqrt and div give where PTX calls them approximate. Which
 * bits a GPU gives is not published; how far it may be off is, in the PTX ISA.
 */
public enum Approximation {
    /** The exact result rounded once: better than any hardware. */
    NEAREST,
    /**
     * As far from the exact result as the ISA allows, to a side that depends on the operand's bits and looks
     * random. What passes so does not pass by being computed too well.
     */
    WORST_ALLOWED;

    /**
     * PTX ISA, by instruction, the larger where versions of the ISA differ. Checked against a digest of PTX ISA 9.1,
     * not against NVIDIA's own text. Where the ISA counts ulps (rcp, div, ex2), an ulp is 2^-23 of the
     * value, which is up to twice too much.
     */
    private enum Bound {
        RCP(0x1p-23, 0),
        SQRT(0x1p-23, 0),
        RSQRT(0x1.13p-23, 0),
        EX2(0x1p-22, 0),
        LG2(0x1p-22, 0x1p-22),
        SIN(0, 0x1.6bp-21),
        COS(0, 0x1.6bp-21),
        SIN_FAR(0, 0x1.3cp-15),
        COS_FAR(0, 0x1.3cp-15),
        TANH(0x1p-11, 0),
        DIV(0x1p-22, 0),
        EX2_F16(0x1.13p-10, 0),
        TANH_F16(0, 0x1.03p-11),
        EX2_BF16(0x1p-7, 0),
        TANH_BF16(0, 0x1p-8);

        private final double relative;
        private final double absolute;

        Bound(double relative, double absolute) {
            this.relative = relative;
            this.absolute = absolute;
        }
    }

    /** Operands of sin and cos up to here, 2 pi in F32, have the smaller error; none is promised beyond 100 pi. */
    private static final double NEAR = (float) (2 * Math.PI);

    /** What turns an exact result into one that an approximate instruction may give. */
    interface Error {
        double of(double exact, double operand);
    }

    /**
     * @param instruction such as {@code ex2}
     * @param suffix empty for f32, otherwise {@code F16} or {@code BF16}
     */
    Error error(String instruction, String suffix) {
        if (this == NEAREST) {
            return (exact, operand) -> exact;
        }
        String name = instruction.toUpperCase(Locale.ROOT);
        Bound near = Bound.valueOf(suffix.isEmpty() ? name : name + "_" + suffix);
        boolean periodic = near == Bound.SIN || near == Bound.COS;
        Bound far = periodic ? Bound.valueOf(name + "_FAR") : near;
        return (exact, operand) -> {
            Bound bound = Math.abs(operand) <= NEAR ? near : far;
            if (exact == 0 || Double.isNaN(exact) || Double.isInfinite(exact)) {
                return exact;
            }
            double off = Math.max(bound.absolute, Math.abs(exact) * bound.relative);
            return exact + (isUp(operand) ? off : -off);
        };
    }

    private static boolean isUp(double operand) {
        long bits = Double.doubleToLongBits(operand) * 0x9e3779b97f4a7c15L;
        return (bits ^ bits >>> 32) < 0 == (bits << 7 < 0);
    }
}
