package dev.instaflow.ptx;

import java.util.List;

/** One operand of an instruction. */
public sealed interface Operand {
    /**
     * A register, {@code !%p1} included.
     *
     * @param negated only for predicates
     */
    record Reg(Register register, boolean negated) implements Operand {}

    /** A register that the hardware fills, such as {@code %tid.x}. */
    record Special(String name) implements Operand {}

    /** A variable, parameter or label, with a byte offset. */
    record Symbol(String name, long offset) implements Operand {}

    /** A memory operand {@code [base+offset]}. */
    record Address(Operand base, long offset) implements Operand {}

    /** {@code {a, b}}, also the parenthesised lists of a call. */
    record Vector(List<Operand> elements) implements Operand {
        public Vector {
            elements = List.copyOf(elements);
        }
    }

    /** {@code %p|%q} of setp, or {@code %r|%p} of shfl. */
    record Pair(Operand first, Operand second) implements Operand {}

    /** {@code _}: a result that is not wanted. */
    record Sink() implements Operand {}

    /**
     * A literal.
     *
     * @param form how it was written
     * @param bits an integer, or the bits of an F32 or F64
     */
    record Immediate(Form form, long bits) implements Operand {
        /** How a literal was written. */
        public enum Form {
            INTEGER,
            F32,
            F64
        }

        /** The bits of this literal in a register of a type. */
        public long bitsAs(ScalarType type) {
            if (form == Form.INTEGER || !type.isFloat()) {
                return bits;
            }
            double value =
                    form == Form.F32
                            ? Float.intBitsToFloat((int) bits)
                            : Double.longBitsToDouble(bits);
            return switch (type) {
                case F32, TF32 ->
                        form == Form.F32
                                ? bits
                                : Float.floatToRawIntBits((float) value) & 0xffffffffL;
                case F64 -> form == Form.F64 ? bits : Double.doubleToRawLongBits(value);
                default -> bits;
            };
        }
    }
}
