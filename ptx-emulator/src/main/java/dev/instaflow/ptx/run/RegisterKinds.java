package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.PtxFunction;
import dev.instaflow.ptx.Register;
import dev.instaflow.ptx.ScalarType;
import java.util.BitSet;
import java.util.Set;

/**
 * By which type of the JVM compiled code holds each register. Compilers declare registers of 32 bits
 * without saying what they hold, so those that mostly meet arithmetic on F32 become floats.
 */
final class RegisterKinds {
    static final int INT = 0;
    static final int FLOAT = 1;
    static final int LONG = 2;
    static final int PREDICATE = 3;

    private static final Set<String> ARITHMETIC =
            Set.of("add", "sub", "mul", "mad", "fma", "neg", "abs", "min", "max", "div", "setp");

    /** By register, uses as F32 less other uses. */
    private final int[] floatUses;

    private final BitSet rawWrites = new BitSet();

    RegisterKinds(PtxFunction function) {
        floatUses = new int[function.registerCount()];
        for (Instruction instruction : function.instructions()) {
            if (!isReal(instruction) && !isNumber(instruction)) {
                Liveness.writes(instruction).forEach(rawWrites::set);
            }
            boolean real = instruction.modifiers().contains("f32");
            if (ARITHMETIC.contains(instruction.root())) {
                for (Operand operand : instruction.operands()) {
                    if (operand instanceof Operand.Reg reg) {
                        floatUses[reg.register().index()] += real ? 1 : -1;
                    }
                }
            }
        }
    }

    /**
     * Whether every value of a float register comes from arithmetic, so that a NaN in it needs hardware's
     * bits no sooner than somebody looks at them.
     */
    boolean isArithmetic(Register register) {
        return of(register) == FLOAT && !rawWrites.get(register.index());
    }

    private static boolean isReal(Instruction instruction) {
        return instruction.modifiers().contains("f32")
                && ARITHMETIC.contains(instruction.root())
                && !instruction.root().equals("div");
    }

    private static boolean isNumber(Instruction instruction) {
        return instruction.root().equals("mov")
                && instruction.operands().get(1) instanceof Operand.Immediate number
                && !Float.isNaN(Float.intBitsToFloat((int) number.bitsAs(ScalarType.F32)));
    }

    int of(Register register) {
        if (register.type() == ScalarType.PRED) {
            return PREDICATE;
        }
        if (register.type().sizeBytes() == 8) {
            return LONG;
        }
        return register.type().sizeBytes() == 4 && floatUses[register.index()] > 0 ? FLOAT : INT;
    }
}
