package dev.instaflow.ptx.run;

import static org.objectweb.asm.Opcodes.*;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.ScalarType;
import dev.instaflow.ptx.run.LaneCompiler.Emission;
import java.util.List;
import java.util.Optional;
import org.objectweb.asm.Label;

/** mov, selp and the conversions between integers in bytecode. */
final class LaneMove {
    private LaneMove() {}

    static Optional<Emission> move(Instruction in) {
        ScalarType type = LaneCompiler.type(in);
        Operand target = in.operands().get(0);
        Operand source = in.operands().get(1);
        if (type == ScalarType.PRED) {
            return Optional.of(
                    f -> {
                        f.pushPredicate(source);
                        f.popPredicate(target);
                    });
        }
        if (target instanceof Operand.Vector parts) {
            return unpack(parts.elements(), source, type);
        }
        if (source instanceof Operand.Vector parts) {
            return pack(target, parts.elements(), type);
        }
        if (!LaneCompiler.haveSize(in, type.sizeBytes())) {
            return Optional.empty();
        }
        return Optional.of(f -> copy(f, target, source, type));
    }

    private static void copy(LaneFrame f, Operand target, Operand source, ScalarType type) {
        LaneCompiler.push(f, source, type);
        LaneCompiler.pop(f, target, type);
    }

    private static Optional<Emission> unpack(List<Operand> parts, Operand source, ScalarType type) {
        int bytes = type.sizeBytes() / parts.size();
        if (!LaneCompiler.hasSize(source, type.sizeBytes()) || bytes < 2) {
            return Optional.empty();
        }
        ScalarType part = bytes == 2 ? ScalarType.B16 : ScalarType.B32;
        return Optional.of(
                f -> {
                    int whole = f.newVariable(2);
                    f.pushLong(source, type);
                    f.code.visitVarInsn(LSTORE, whole);
                    for (int i = 0; i < parts.size(); i++) {
                        if (parts.get(i) instanceof Operand.Sink) {
                            continue;
                        }
                        f.code.visitVarInsn(LLOAD, whole);
                        f.number(8 * bytes * i);
                        f.code.visitInsn(LUSHR);
                        f.code.visitInsn(L2I);
                        f.extend(part);
                        f.popInt(parts.get(i), part);
                    }
                });
    }

    private static Optional<Emission> pack(Operand target, List<Operand> parts, ScalarType type) {
        int bytes = type.sizeBytes() / parts.size();
        boolean sized = parts.stream().allMatch(p -> LaneCompiler.hasSize(p, bytes));
        if (!LaneCompiler.hasSize(target, type.sizeBytes()) || !sized || bytes < 2) {
            return Optional.empty();
        }
        ScalarType part = bytes == 2 ? ScalarType.U16 : ScalarType.U32;
        return Optional.of(
                f -> {
                    for (int i = 0; i < parts.size(); i++) {
                        f.pushLong(parts.get(i), part);
                        f.number(8 * bytes * i);
                        f.code.visitInsn(LSHL);
                        if (i > 0) {
                            f.code.visitInsn(LOR);
                        }
                    }
                    f.popLong(target);
                });
    }

    static Optional<Emission> select(Instruction in) {
        ScalarType type = LaneCompiler.type(in);
        List<Operand> values = in.operands().subList(0, 3);
        if (!values.stream().allMatch(v -> LaneCompiler.hasSize(v, type.sizeBytes()))) {
            return Optional.empty();
        }
        return Optional.of(
                f -> {
                    Label no = new Label();
                    Label end = new Label();
                    f.pushPredicate(in.operands().get(3));
                    f.code.visitJumpInsn(IFEQ, no);
                    copy(f, in.operands().get(0), in.operands().get(1), type);
                    f.code.visitJumpInsn(GOTO, end);
                    f.code.visitLabel(no);
                    copy(f, in.operands().get(0), in.operands().get(2), type);
                    f.code.visitLabel(end);
                });
    }

    static Optional<Emission> convert(Instruction in) {
        List<String> modifiers = in.modifiers();
        Optional<ScalarType> target = ScalarType.named(modifiers.get(modifiers.size() - 2));
        ScalarType from = LaneCompiler.type(in);
        if (target.isEmpty() || !LaneCompiler.hasSize(in.operands().get(1), from.sizeBytes())) {
            return Optional.empty();
        }
        ScalarType to = target.get();
        String mode = String.join(" ", modifiers.subList(0, modifiers.size() - 2));
        if (!from.isFloat() && !to.isFloat() && mode.isEmpty()) {
            return Optional.of(f -> resize(f, in, from, to));
        }
        boolean integer = from == ScalarType.S32 || from == ScalarType.U32;
        if (to == ScalarType.F32 && integer && mode.equals("rn")) {
            return Optional.of(
                    f -> {
                        f.pushLong(in.operands().get(1), from);
                        f.code.visitInsn(L2F);
                        f.popFloat(in.operands().get(0));
                    });
        }
        return Optional.empty();
    }

    private static void resize(LaneFrame f, Instruction in, ScalarType from, ScalarType to) {
        if (from.sizeBytes() == 8) {
            f.pushLong(in.operands().get(1), from);
        } else {
            f.pushInt(in.operands().get(1), from);
        }
        if (to.sizeBytes() == 8) {
            if (from.sizeBytes() < 8) {
                f.widen(from);
            }
            f.popLong(in.operands().get(0));
        } else {
            if (from.sizeBytes() == 8) {
                f.code.visitInsn(L2I);
            }
            f.extend(to);
            f.popInt(in.operands().get(0), to);
        }
    }
}
