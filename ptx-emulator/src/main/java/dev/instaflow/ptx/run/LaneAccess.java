package dev.instaflow.ptx.run;

import static org.objectweb.asm.Opcodes.*;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.ScalarType;
import dev.instaflow.ptx.StateSpace;
import dev.instaflow.ptx.run.LaneCompiler.Emission;
import java.util.List;
import java.util.Optional;

/** ld and st of global, shared, local and parameter memory in bytecode. */
final class LaneAccess {
    private static final String BUFFER = "Ljava/nio/ByteBuffer;";
    private static final String ALLOCATION = LaneFrame.inPackage("EmulatedMemory$Allocation");
    private static final String STEP = "L" + LaneFrame.inPackage("Step") + ";";
    private static final String CHECK = "(" + STEP + "L" + LaneFrame.inPackage("Warp") + ";IJI)";

    private final Step step;
    private final StateSpace space;
    private final ScalarType type;
    private final Operand.Address address;
    private final List<Operand> elements;
    private final boolean load;

    private LaneAccess(
            Step step,
            StateSpace space,
            ScalarType type,
            Operand.Address address,
            List<Operand> elements,
            boolean load) {
        this.step = step;
        this.space = space;
        this.type = type;
        this.address = address;
        this.elements = elements;
        this.load = load;
    }

    static Optional<Emission> compile(Step step, Instruction in, KernelCode kernel) {
        boolean load = in.root().equals("ld");
        List<String> modifiers = in.modifiers();
        ScalarType type = ScalarType.named(modifiers.get(modifiers.size() - 1)).orElseThrow();
        Operand.Address address = (Operand.Address) in.operands().get(load ? 1 : 0);
        StateSpace space =
                MemoryDecoder.spaceOf(modifiers, address.base(), kernel.symbols()::isParameter);
        Operand data = in.operands().get(load ? 0 : 1);
        List<Operand> elements =
                data instanceof Operand.Vector vector ? vector.elements() : List.of(data);
        LaneAccess access = new LaneAccess(step, space, type, address, elements, load);
        return access.isKnown(kernel) ? Optional.of(access::emit) : Optional.empty();
    }

    private boolean isKnown(KernelCode kernel) {
        boolean fits =
                elements.stream()
                        .allMatch(
                                e ->
                                        !(e instanceof Operand.Sink)
                                                && !LaneCompiler.isTooNarrow(e, type));
        boolean known =
                address.base() instanceof Operand.Reg
                        || address.base() instanceof Operand.Symbol symbol
                                && kernel.symbols().isKnown(symbol.name());
        if (space == StateSpace.PARAM) {
            // A parameter that lies where it should is read without a check.
            return fits
                    && load
                    && address.base() instanceof Operand.Symbol symbol
                    && isInside(kernel, symbol);
        }
        return fits && known && space != StateSpace.GENERIC;
    }

    private boolean isInside(KernelCode kernel, Operand.Symbol symbol) {
        long at = kernel.symbols().address(symbol.name()) + symbol.offset() + address.offset();
        int bytes = bytes();
        return at >= 0 && at + bytes <= kernel.function().parameterBytes() && (at & bytes - 1) == 0;
    }

    private int bytes() {
        return type.sizeBytes() * elements.size();
    }

    private void emit(LaneFrame f) {
        int buffer = f.newVariable(1);
        int at = f.newVariable(1);
        if (space == StateSpace.PARAM) {
            f.code.visitVarInsn(ALOAD, LaneFrame.PARAMETERS);
            f.code.visitVarInsn(ASTORE, buffer);
            f.pushLong(address.base(), ScalarType.U64);
            f.number(address.offset());
            f.code.visitInsn(LADD);
            f.code.visitInsn(L2I);
            f.code.visitVarInsn(ISTORE, at);
        } else {
            locate(f, buffer, at);
        }
        for (int i = 0; i < elements.size(); i++) {
            f.code.visitVarInsn(ALOAD, buffer);
            f.code.visitVarInsn(ILOAD, at);
            if (i > 0) {
                f.number(i * type.sizeBytes());
                f.code.visitInsn(IADD);
            }
            if (load) {
                get(f, elements.get(i));
            } else {
                put(f, elements.get(i));
            }
        }
    }

    /** Checks the access and finds its buffer and the offset there. */
    private void locate(LaneFrame f, int buffer, int at) {
        int where = f.newVariable(2);
        ScalarType pointer =
                address.base() instanceof Operand.Reg reg && reg.register().type().sizeBytes() == 4
                        ? ScalarType.U32
                        : ScalarType.U64;
        f.pushLong(address.base(), pointer);
        if (address.offset() != 0) {
            f.number(address.offset());
            f.code.visitInsn(LADD);
        }
        f.code.visitVarInsn(LSTORE, where);
        f.constant(step, STEP);
        f.code.visitVarInsn(ALOAD, LaneFrame.WARP);
        f.code.visitVarInsn(ILOAD, LaneFrame.LANE);
        f.code.visitVarInsn(LLOAD, where);
        f.number(bytes());
        switch (space) {
            case SHARED -> {
                f.callHere("LaneMemory", "shared", CHECK + "I");
                f.code.visitVarInsn(ISTORE, at);
                f.code.visitVarInsn(ALOAD, LaneFrame.SHARED);
                f.code.visitVarInsn(ASTORE, buffer);
            }
            case LOCAL -> {
                f.callHere("MemoryUnit", load ? "local" : "localForWrite", CHECK + "I");
                f.code.visitVarInsn(ISTORE, at);
                f.code.visitVarInsn(ALOAD, LaneFrame.LOCAL);
                f.code.visitVarInsn(ASTORE, buffer);
            }
            default -> {
                String check = load ? "global" : "globalForWrite";
                f.callHere("LaneMemory", check, CHECK + "L" + ALLOCATION + ";");
                f.code.visitInsn(DUP);
                f.code.visitFieldInsn(GETFIELD, ALLOCATION, "data", BUFFER);
                f.code.visitVarInsn(ASTORE, buffer);
                f.code.visitFieldInsn(GETFIELD, ALLOCATION, "base", "J");
                f.code.visitVarInsn(LLOAD, where);
                f.code.visitInsn(LSUB);
                f.code.visitInsn(L2I);
                f.code.visitInsn(INEG);
                f.code.visitVarInsn(ISTORE, at);
            }
        }
    }

    /** Type of what holds the bytes. */
    private String holder() {
        return space == StateSpace.SHARED ? "[I" : BUFFER;
    }

    private void get(LaneFrame f, Operand target) {
        int bits = 8 * type.sizeBytes();
        f.callHere("LaneMemory", "get" + bits, "(" + holder() + "I)" + (bits == 64 ? "J" : "I"));
        if (bits == 64) {
            f.popLong(target);
        } else {
            if (type.isSigned()) {
                f.extend(type);
            }
            f.popInt(target, type);
        }
    }

    private void put(LaneFrame f, Operand source) {
        int bits = 8 * type.sizeBytes();
        if (bits == 64) {
            f.pushLong(source, type);
        } else {
            f.pushInt(source, type);
        }
        f.callHere(
                "LaneMemory", "put" + bits, "(" + holder() + "I" + (bits == 64 ? "J" : "I") + ")V");
    }
}
