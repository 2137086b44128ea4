package dev.instaflow.ptx.run;

import static org.objectweb.asm.Opcodes.*;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.ScalarType;
import dev.instaflow.ptx.run.LaneCompiler.Emission;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.objectweb.asm.Label;

/** setp in bytecode: comparisons of 32 and 64 bits by jumps, others by the interpreter's test. */
final class LaneCompare {
    private static final Map<String, Integer> JUMPS =
            Map.ofEntries(
                    Map.entry("eq", IFEQ),
                    Map.entry("ne", IFNE),
                    Map.entry("lt", IFLT),
                    Map.entry("lo", IFLT),
                    Map.entry("le", IFLE),
                    Map.entry("ls", IFLE),
                    Map.entry("gt", IFGT),
                    Map.entry("hi", IFGT),
                    Map.entry("ge", IFGE),
                    Map.entry("hs", IFGE));

    private LaneCompare() {}

    static Optional<Emission> compile(Step step, Instruction in) {
        if (!(step.action instanceof CompareDecoder.SetPredicate set)
                || set.isPair()
                || LaneCompiler.isTooNarrow(in.operands().get(1), set.type())
                || LaneCompiler.isTooNarrow(in.operands().get(2), set.type())) {
            return Optional.empty();
        }
        Operand target = in.operands().get(0);
        Operand first = target instanceof Operand.Pair pair ? pair.first() : target;
        Optional<Operand> second =
                target instanceof Operand.Pair pair ? Optional.of(pair.second()) : Optional.empty();
        return Optional.of(
                f -> {
                    test(f, in, set);
                    int result = f.newVariable(1);
                    f.code.visitVarInsn(ISTORE, result);
                    int other = -1;
                    if (!set.combine().isEmpty()) {
                        // Read before the targets change: it may be one of them.
                        other = f.newVariable(1);
                        f.pushPredicate(in.operands().get(3));
                        f.code.visitVarInsn(ISTORE, other);
                    }
                    f.code.visitVarInsn(ILOAD, result);
                    combine(f, set, other);
                    f.popPredicate(first);
                    if (second.isPresent()) {
                        f.code.visitVarInsn(ILOAD, result);
                        f.code.visitInsn(ICONST_1);
                        f.code.visitInsn(IXOR);
                        combine(f, set, other);
                        f.popPredicate(second.get());
                    }
                });
    }

    private static void combine(LaneFrame f, CompareDecoder.SetPredicate set, int other) {
        if (set.combine().isEmpty()) {
            return;
        }
        f.code.visitVarInsn(ILOAD, other);
        f.code.visitInsn(
                switch (set.combine()) {
                    case "or" -> IOR;
                    case "xor" -> IXOR;
                    default -> IAND;
                });
    }

    /** Pushes 0 or 1. */
    private static void test(LaneFrame f, Instruction in, CompareDecoder.SetPredicate set) {
        ScalarType type = set.type();
        List<Operand> operands = in.operands();
        String comparison = in.modifiers().get(0);
        boolean plain = JUMPS.containsKey(comparison);
        if (type.sizeBytes() < 4 || !plain || type == ScalarType.F64 || hasFlush(in)) {
            f.constant(set.test(), "L" + LaneFrame.inPackage("CompareDecoder$Test") + ";");
            f.pushLong(operands.get(1), type);
            f.pushLong(operands.get(2), type);
            f.code.visitMethodInsn(
                    INVOKEINTERFACE,
                    LaneFrame.inPackage("CompareDecoder$Test"),
                    "holds",
                    "(JJ)Z",
                    true);
            return;
        }
        int jump = JUMPS.get(comparison);
        if (type == ScalarType.F32) {
            f.pushFloat(operands.get(1));
            f.pushFloat(operands.get(2));
            // A comparison with NaN does not hold; neither does ne, unlike in Java.
            boolean less = jump == IFLT || jump == IFLE;
            if (jump == IFNE) {
                f.callHere("LaneMath", "ordered", "(FF)I");
            } else {
                f.code.visitInsn(less ? FCMPG : FCMPL);
            }
        } else if (type.sizeBytes() == 8) {
            f.pushLong(operands.get(1), type);
            f.pushLong(operands.get(2), type);
            if (type == ScalarType.U64) {
                f.call("java/lang/Long", "compareUnsigned", "(JJ)I");
            } else {
                f.code.visitInsn(LCMP);
            }
        } else {
            f.pushInt(operands.get(1), type);
            f.pushInt(operands.get(2), type);
            if (type.isSigned() || jump == IFEQ || jump == IFNE) {
                truth(f, jump + IF_ICMPEQ - IFEQ);
                return;
            }
            f.call("java/lang/Integer", "compareUnsigned", "(II)I");
        }
        truth(f, jump);
    }

    private static boolean hasFlush(Instruction in) {
        return in.modifiers().contains("ftz");
    }

    private static void truth(LaneFrame f, int jump) {
        Label yes = new Label();
        Label end = new Label();
        f.code.visitJumpInsn(jump, yes);
        f.code.visitInsn(ICONST_0);
        f.code.visitJumpInsn(GOTO, end);
        f.code.visitLabel(yes);
        f.code.visitInsn(ICONST_1);
        f.code.visitLabel(end);
    }
}
