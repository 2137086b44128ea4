package dev.instaflow.ptx.run;

import static org.objectweb.asm.Opcodes.*;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.ScalarType;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Finds how to compute an instruction for one lane in bytecode: the frequent ones by bytecodes of their
 * own, other lane-wise ones by calling the interpreter's function, which the JIT compiler inlines. What
 * it knows no way for stays with the interpreter.
 */
final class LaneCompiler {
    /** Writes the bytecode of one instruction, its guard apart. */
    interface Emission {
        void emit(LaneFrame frame);
    }

    private static final Set<String> EXACT = Set.of("rn", "ftz");

    private final KernelCode kernel;

    LaneCompiler(KernelCode kernel) {
        this.kernel = kernel;
    }

    Optional<Emission> compile(Step step) {
        if (step.index == kernel.function().instructions().size()) {
            return Optional.empty();
        }
        Instruction instruction = kernel.function().instructions().get(step.index);
        if (!instruction.operands().stream().allMatch(o -> isSimple(o, instruction))) {
            return Optional.empty();
        }
        Optional<Emission> own =
                switch (instruction.root()) {
                    case "add", "sub", "mul", "mad", "fma", "min", "max", "neg", "abs" ->
                            arithmetic(instruction);
                    case "and", "or", "xor", "not" -> bitwise(instruction);
                    case "shl", "shr" -> shift(instruction);
                    case "mov" -> LaneMove.move(instruction);
                    case "selp" -> LaneMove.select(instruction);
                    case "setp" -> LaneCompare.compile(step, instruction);
                    case "cvt" -> LaneMove.convert(instruction);
                    case "ld", "st" -> LaneAccess.compile(step, instruction, kernel);
                    default -> Optional.empty();
                };
        return own.or(() -> function(step, instruction));
    }

    /** Whether an operand is of a form that the frame can push; a label or a pair is not. */
    private boolean isSimple(Operand operand, Instruction instruction) {
        if (operand instanceof Operand.Symbol symbol) {
            return kernel.symbols().isKnown(symbol.name());
        }
        boolean setp = instruction.root().equals("setp");
        return !(operand instanceof Operand.Sink) && (setp || !(operand instanceof Operand.Pair));
    }

    static ScalarType type(Instruction instruction) {
        List<String> modifiers = instruction.modifiers();
        return ScalarType.named(modifiers.get(modifiers.size() - 1)).orElse(ScalarType.PRED);
    }

    /** Whether nothing but the type and these stand behind the root. */
    static boolean hasOnly(Instruction instruction, Set<String> allowed) {
        List<String> modifiers = instruction.modifiers();
        return allowed.containsAll(modifiers.subList(0, modifiers.size() - 1));
    }

    /** Whether operands are registers of that size, or constants. */
    static boolean haveSize(Instruction instruction, int bytes) {
        return instruction.operands().stream()
                .allMatch(
                        o ->
                                o instanceof Operand.Immediate
                                        || o instanceof Operand.Symbol
                                        || o instanceof Operand.Special
                                        || o instanceof Operand.Reg reg
                                                && reg.register().type() != ScalarType.PRED
                                                && reg.register().type().sizeBytes() == bytes);
    }

    private Optional<Emission> arithmetic(Instruction instruction) {
        ScalarType type = type(instruction);
        if (type == ScalarType.F32) {
            boolean plain = hasOnly(instruction, EXACT) && haveSize(instruction, 4);
            return plain ? Optional.of(f -> real(f, instruction)) : Optional.empty();
        }
        if (type.isFloat() || type.sizeBytes() < 4) {
            return Optional.empty();
        }
        boolean wide = type.sizeBytes() == 8;
        if (instruction.modifiers().contains("wide")) {
            return type.sizeBytes() == 4 ? wideProduct(instruction, type) : Optional.empty();
        }
        boolean plain = hasOnly(instruction, Set.of("lo")) && haveSize(instruction, wide ? 8 : 4);
        if (!plain || wide && instruction.root().startsWith("m") && !isProduct(instruction)) {
            return Optional.empty();
        }
        return switch (instruction.root()) {
            case "add" -> Optional.of(f -> whole(f, instruction, type, wide ? LADD : IADD));
            case "sub" -> Optional.of(f -> whole(f, instruction, type, wide ? LSUB : ISUB));
            case "mul" -> Optional.of(f -> whole(f, instruction, type, wide ? LMUL : IMUL));
            case "mad" -> Optional.of(f -> productAndSum(f, instruction, type));
            case "neg" -> Optional.of(f -> unary(f, instruction, type, wide ? LNEG : INEG));
            case "min", "max" ->
                    type == ScalarType.S32
                            ? Optional.of(f -> extreme(f, instruction))
                            : Optional.empty();
            default -> Optional.empty();
        };
    }

    private static boolean isProduct(Instruction instruction) {
        return instruction.root().equals("mul") || instruction.root().equals("mad");
    }

    static void push(LaneFrame f, Operand operand, ScalarType type) {
        if (type.sizeBytes() == 8) {
            f.pushLong(operand, type);
        } else {
            f.pushInt(operand, type);
        }
    }

    static void pop(LaneFrame f, Operand target, ScalarType type) {
        if (type.sizeBytes() == 8) {
            f.popLong(target);
        } else {
            f.popInt(target, type);
        }
    }

    private static void whole(LaneFrame f, Instruction in, ScalarType type, int opcode) {
        push(f, in.operands().get(1), type);
        push(f, in.operands().get(2), type);
        f.code.visitInsn(opcode);
        pop(f, in.operands().get(0), type);
    }

    private static void unary(LaneFrame f, Instruction in, ScalarType type, int opcode) {
        push(f, in.operands().get(1), type);
        f.code.visitInsn(opcode);
        pop(f, in.operands().get(0), type);
    }

    private static void productAndSum(LaneFrame f, Instruction in, ScalarType type) {
        boolean wide = type.sizeBytes() == 8;
        push(f, in.operands().get(1), type);
        push(f, in.operands().get(2), type);
        f.code.visitInsn(wide ? LMUL : IMUL);
        push(f, in.operands().get(3), type);
        f.code.visitInsn(wide ? LADD : IADD);
        pop(f, in.operands().get(0), type);
    }

    private static void extreme(LaneFrame f, Instruction in) {
        f.pushInt(in.operands().get(1), ScalarType.S32);
        f.pushInt(in.operands().get(2), ScalarType.S32);
        f.call("java/lang/Math", in.root(), "(II)I");
        f.popInt(in.operands().get(0), ScalarType.S32);
    }

    private Optional<Emission> wideProduct(Instruction in, ScalarType type) {
        boolean sum = in.root().equals("mad");
        boolean fits =
                hasSize(in.operands().get(0), 8)
                        && hasSize(in.operands().get(1), 4)
                        && hasSize(in.operands().get(2), 4)
                        && (!sum || hasSize(in.operands().get(3), 8));
        if (!fits) {
            return Optional.empty();
        }
        return Optional.of(
                f -> {
                    f.pushLong(in.operands().get(1), type);
                    f.pushLong(in.operands().get(2), type);
                    f.code.visitInsn(LMUL);
                    if (sum) {
                        f.pushLong(in.operands().get(3), ScalarType.B64);
                        f.code.visitInsn(LADD);
                    }
                    f.popLong(in.operands().get(0));
                });
    }

    static boolean hasSize(Operand operand, int bytes) {
        return !(operand instanceof Operand.Reg reg)
                || reg.register().type() != ScalarType.PRED
                        && reg.register().type().sizeBytes() == bytes;
    }

    private static void real(LaneFrame f, Instruction in) {
        boolean flush = in.modifiers().contains("ftz");
        for (int i = 1; i < in.operands().size(); i++) {
            f.pushFloat(in.operands().get(i));
            if (flush) {
                f.callHere("LaneMath", "flush", "(F)F");
            }
        }
        switch (in.root()) {
            case "add" -> f.code.visitInsn(FADD);
            case "sub" -> f.code.visitInsn(FSUB);
            case "mul" -> f.code.visitInsn(FMUL);
            case "mad", "fma" -> f.call("java/lang/Math", "fma", "(FFF)F");
            case "min", "max" -> f.callHere("LaneMath", in.root(), "(FF)F");
            case "neg" -> f.code.visitInsn(FNEG);
            default -> f.call("java/lang/Math", "abs", "(F)F");
        }
        if (flush) {
            f.callHere("LaneMath", "flush", "(F)F");
        }
        f.popFloat(in.operands().get(0));
    }

    private Optional<Emission> bitwise(Instruction in) {
        ScalarType type = type(in);
        boolean not = in.root().equals("not");
        int base =
                switch (in.root()) {
                    case "and" -> IAND;
                    case "or" -> IOR;
                    default -> IXOR;
                };
        if (type == ScalarType.PRED) {
            return Optional.of(
                    f -> {
                        f.pushPredicate(in.operands().get(1));
                        if (not) {
                            f.code.visitInsn(ICONST_1);
                        } else {
                            f.pushPredicate(in.operands().get(2));
                        }
                        f.code.visitInsn(base);
                        f.popPredicate(in.operands().get(0));
                    });
        }
        if (!haveSize(in, type.sizeBytes())) {
            return Optional.empty();
        }
        boolean wide = type.sizeBytes() == 8;
        return Optional.of(
                f -> {
                    push(f, in.operands().get(1), type);
                    if (!not) {
                        push(f, in.operands().get(2), type);
                    } else if (wide) {
                        f.number(-1L);
                    } else {
                        f.number(-1);
                    }
                    f.code.visitInsn(wide ? base + 1 : base);
                    pop(f, in.operands().get(0), type);
                });
    }

    private Optional<Emission> shift(Instruction in) {
        ScalarType type = type(in);
        boolean sized = hasSize(in.operands().get(0), type.sizeBytes());
        sized &= hasSize(in.operands().get(1), type.sizeBytes());
        if (type.sizeBytes() < 4 || !sized) {
            return Optional.empty();
        }
        String method =
                in.root().equals("shl")
                        ? "shiftLeft"
                        : type.isSigned() ? "shiftRightSigned" : "shiftRight";
        boolean wide = type.sizeBytes() == 8;
        return Optional.of(
                f -> {
                    push(f, in.operands().get(1), type);
                    f.pushInt(in.operands().get(2), ScalarType.U32);
                    f.callHere("LaneMath", method, wide ? "(JI)J" : "(II)I");
                    pop(f, in.operands().get(0), type);
                });
    }

    /** A call of the interpreter's own function. */
    private static Optional<Emission> function(Step step, Instruction in) {
        if (step.action instanceof Lanewise.Unary unary) {
            return call(in, List.of(unary.type()), unary.f(), "LongUnaryOperator");
        }
        if (step.action instanceof Lanewise.Binary binary) {
            List<ScalarType> types = List.of(binary.first(), binary.second());
            return call(in, types, binary.f(), "LongBinaryOperator");
        }
        if (step.action instanceof Lanewise.OfThree three) {
            return call(in, three.types(), three.f(), "Ternary");
        }
        if (step.action instanceof Lanewise.OfFour four) {
            return call(in, four.types(), four.f(), "Quaternary");
        }
        return Optional.empty();
    }

    private static Optional<Emission> call(
            Instruction in, List<ScalarType> types, Object function, String kind) {
        for (int i = 0; i < types.size(); i++) {
            if (isTooNarrow(in.operands().get(i + 1), types.get(i))) {
                return Optional.empty();
            }
        }
        boolean java = kind.startsWith("Long");
        String owner =
                java ? "java/util/function/" + kind : LaneFrame.inPackage("Lanewise$" + kind);
        return Optional.of(
                f -> {
                    f.constant(function, "L" + owner + ";");
                    for (int i = 0; i < types.size(); i++) {
                        f.pushLong(in.operands().get(i + 1), types.get(i));
                    }
                    f.code.visitMethodInsn(
                            INVOKEINTERFACE,
                            owner,
                            java ? "applyAsLong" : "apply",
                            "(" + "J".repeat(types.size()) + ")J",
                            true);
                    f.popLong(in.operands().get(0));
                });
    }

    /** Whether a register has fewer bits than are read of it: what the others are only the interpreter knows. */
    static boolean isTooNarrow(Operand operand, ScalarType type) {
        return operand instanceof Operand.Reg reg
                && (reg.register().type() == ScalarType.PRED
                        || reg.register().type().sizeBytes() < type.sizeBytes());
    }
}
