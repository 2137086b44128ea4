package dev.instaflow.ptx.run;

import static org.objectweb.asm.Opcodes.*;

import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.Register;
import dev.instaflow.ptx.ScalarType;
import java.util.Map;
import org.objectweb.asm.MethodVisitor;

/**
 * The operand stack and local variables of compiled code for one lane. A PTX register is an int, a float
 * or a long variable, by what it mostly holds; a predicate an int 0 or 1. Bits beyond a register's width
 * mean nothing, as in the interpreter.
 */
final class LaneFrame {
    /** Variables of every compiled segment. */
    static final int WARP = 0;

    static final int MASK = 1;
    static final int LANE = 2;
    static final int SHARED = 3;
    static final int LOCAL = 4;
    static final int PARAMETERS = 5;
    static final int FIRST_FREE = 6;

    private static final String PACKAGE = "dev/instaflow/ptx/run/";

    final MethodVisitor code;
    private final RegisterKinds kinds;
    private final Constants constants;
    private final Symbols symbols;
    private final Map<Integer, Integer> variables;
    private final Map<String, Integer> specials;
    private int next;

    /**
     * @param variables by register
     * @param specials array variables by name
     * @param next first free variable
     */
    LaneFrame(
            MethodVisitor code,
            RegisterKinds kinds,
            Constants constants,
            Symbols symbols,
            Map<Integer, Integer> variables,
            Map<String, Integer> specials,
            int next) {
        this.code = code;
        this.kinds = kinds;
        this.constants = constants;
        this.symbols = symbols;
        this.variables = variables;
        this.specials = specials;
        this.next = next;
    }

    static String inPackage(String className) {
        return PACKAGE + className;
    }

    int newVariable(int slots) {
        int variable = next;
        next += slots;
        return variable;
    }

    /** Pushes an object that the compiled code refers to. */
    void constant(Object value, String descriptor) {
        constants.push(code, value, descriptor);
    }

    void call(String owner, String method, String descriptor) {
        code.visitMethodInsn(INVOKESTATIC, owner, method, descriptor, false);
    }

    void callHere(String className, String method, String descriptor) {
        call(PACKAGE + className, method, descriptor);
    }

    void number(int value) {
        if (value >= -1 && value <= 5) {
            code.visitInsn(ICONST_0 + value);
        } else if (value == (short) value) {
            code.visitIntInsn(value == (byte) value ? BIPUSH : SIPUSH, value);
        } else {
            code.visitLdcInsn(value);
        }
    }

    void number(long value) {
        if (value == 0 || value == 1) {
            code.visitInsn(value == 0 ? LCONST_0 : LCONST_1);
        } else {
            code.visitLdcInsn(value);
        }
    }

    /** Pushes 32 bits or fewer, extended to an int as the type demands. */
    void pushInt(Operand operand, ScalarType type) {
        if (operand instanceof Operand.Reg reg) {
            pushRaw(reg.register());
            extend(type);
        } else if (operand instanceof Operand.Special special) {
            pushSpecial(special.name());
            code.visitInsn(L2I);
            extend(type);
        } else {
            number((int) fixed(operand, type));
        }
    }

    /** Pushes the bits as {@link Lanewise#read} extends them. */
    void pushLong(Operand operand, ScalarType type) {
        if (operand instanceof Operand.Reg reg) {
            if (type.sizeBytes() == 8) {
                code.visitVarInsn(LLOAD, variables.get(reg.register().index()));
            } else {
                pushInt(operand, type);
                widen(type);
            }
        } else if (operand instanceof Operand.Special special) {
            pushSpecial(special.name());
            if (type.sizeBytes() < 8) {
                code.visitInsn(L2I);
                extend(type);
                widen(type);
            }
        } else {
            number(fixed(operand, type));
        }
    }

    /** Pushes a number; if it is not one, which NaN it is means nothing. */
    void pushFloat(Operand operand) {
        if (operand instanceof Operand.Reg reg && kinds.of(reg.register()) == RegisterKinds.FLOAT) {
            code.visitVarInsn(FLOAD, variables.get(reg.register().index()));
        } else {
            pushInt(operand, ScalarType.B32);
            toFloat();
        }
    }

    /** Pushes 0 or 1. */
    void pushPredicate(Operand operand) {
        if (operand instanceof Operand.Reg reg) {
            code.visitVarInsn(ILOAD, variables.get(reg.register().index()));
            if (reg.negated()) {
                code.visitInsn(ICONST_1);
                code.visitInsn(IXOR);
            }
        } else {
            number(((Operand.Immediate) operand).bits() == 0 ? 0 : 1);
        }
    }

    private void pushRaw(Register register) {
        int variable = variables.get(register.index());
        switch (kinds.of(register)) {
            case RegisterKinds.FLOAT -> {
                code.visitVarInsn(FLOAD, variable);
                if (kinds.isArithmetic(register)) {
                    callHere("LaneMath", "canonical", "(F)F");
                }
                call("java/lang/Float", "floatToRawIntBits", "(F)I");
            }
            case RegisterKinds.LONG -> {
                code.visitVarInsn(LLOAD, variable);
                code.visitInsn(L2I);
            }
            default -> code.visitVarInsn(ILOAD, variable);
        }
    }

    private void pushSpecial(String name) {
        code.visitVarInsn(ALOAD, specials.get(name));
        code.visitVarInsn(ILOAD, LANE);
        code.visitInsn(LALOAD);
    }

    /** A literal or an address, as the type reads it. */
    private long fixed(Operand operand, ScalarType type) {
        return Lanewise.read(
                operand instanceof Operand.Immediate immediate
                        ? immediate.bitsAs(type)
                        : symbols.address(((Operand.Symbol) operand).name())
                                + ((Operand.Symbol) operand).offset(),
                type);
    }

    private void toFloat() {
        call("java/lang/Float", "intBitsToFloat", "(I)F");
    }

    /** Extends the low bits of the int on the stack. */
    void extend(ScalarType type) {
        switch (type) {
            case S8 -> code.visitInsn(I2B);
            case S16 -> code.visitInsn(I2S);
            case U8, B8 -> {
                number(255);
                code.visitInsn(IAND);
            }
            case U16, B16, F16, BF16 -> code.visitInsn(I2C);
            default -> {}
        }
    }

    /** Makes the int on the stack a long of the same number. */
    void widen(ScalarType type) {
        code.visitInsn(I2L);
        if (type.sizeBytes() == 4 && !type.isSigned()) {
            number(0xffffffffL);
            code.visitInsn(LAND);
        }
    }

    /** Takes an int of that type off the stack. */
    void popInt(Operand target, ScalarType type) {
        Register register = ((Operand.Reg) target).register();
        int variable = variables.get(register.index());
        switch (kinds.of(register)) {
            case RegisterKinds.FLOAT -> {
                toFloat();
                code.visitVarInsn(FSTORE, variable);
            }
            case RegisterKinds.LONG -> {
                widen(type);
                code.visitVarInsn(LSTORE, variable);
            }
            default -> code.visitVarInsn(ISTORE, variable);
        }
    }

    void popLong(Operand target) {
        Register register = ((Operand.Reg) target).register();
        if (kinds.of(register) == RegisterKinds.LONG) {
            code.visitVarInsn(LSTORE, variables.get(register.index()));
        } else {
            code.visitInsn(L2I);
            popInt(target, ScalarType.B32);
        }
    }

    /** Takes the result of arithmetic off the stack. */
    void popFloat(Operand target) {
        Register register = ((Operand.Reg) target).register();
        if (!kinds.isArithmetic(register)) {
            callHere("LaneMath", "canonical", "(F)F");
        }
        if (kinds.of(register) == RegisterKinds.FLOAT) {
            code.visitVarInsn(FSTORE, variables.get(register.index()));
        } else {
            call("java/lang/Float", "floatToRawIntBits", "(F)I");
            popInt(target, ScalarType.B32);
        }
    }

    void popPredicate(Operand target) {
        code.visitVarInsn(ISTORE, variables.get(((Operand.Reg) target).register().index()));
    }
}
