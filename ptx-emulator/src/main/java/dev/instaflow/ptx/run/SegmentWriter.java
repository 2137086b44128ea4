package dev.instaflow.ptx.run;

import static org.objectweb.asm.Opcodes.*;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.Register;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;

/** Writes the method of one segment: for each lane of the mask, load registers, compute, store what is still needed. */
final class SegmentWriter {
    /**
     * HotSpot never compiles a method of more than 8000 bytes (HugeMethodLimit), and one of 64 KB is no
     * class file; a segment ends before it is estimated, rather too high, to be as long as this.
     */
    private static final int MAX_BYTES = 7800;

    private static final int BYTES_TO_FETCH = 12;
    private static final int BYTES_TO_LOAD = 10;
    private static final int BYTES_TO_STORE = 16;

    private static final String WARP = LaneFrame.inPackage("Warp");

    /** What all segments of a kernel share. */
    record Kernel(
            KernelCode code,
            RegisterKinds kinds,
            Liveness liveness,
            List<Optional<LaneCompiler.Emission>> emissions) {}

    private final Kernel kernel;
    private final MethodVisitor code;
    private final Constants constants;
    private final List<Instruction> instructions;

    /** Registers of the segment, those that it reads before it writes them, and those that it writes. */
    private final SortedMap<Integer, Register> all = new TreeMap<>();

    private final SortedSet<Integer> read = new TreeSet<>();
    private final SortedSet<Integer> written = new TreeSet<>();

    private final Map<Integer, Integer> variables = new HashMap<>();
    private final Map<Integer, Integer> outside = new HashMap<>();
    private final Map<String, Integer> specials = new HashMap<>();
    private int next = LaneFrame.FIRST_FREE;
    private int bodyBytes;

    SegmentWriter(Kernel kernel, MethodVisitor code, Constants constants) {
        this.kernel = kernel;
        this.code = code;
        this.constants = constants;
        this.instructions = kernel.code().function().instructions();
    }

    /**
     * @param from first step
     * @param limit the step behind the last that may be in
     * @return the step behind the last that is in
     */
    int write(int from, int limit) {
        int end = from;
        while (end < limit && (end == from || bytesWith(end) < MAX_BYTES)) {
            bodyBytes += bodyBytes(instructions.get(end));
            survey(instructions.get(end));
            end++;
        }
        emit(from, end);
        return end;
    }

    /** About how long the method is with one more instruction. */
    private int bytesWith(int candidate) {
        long results =
                written.stream().filter(r -> kernel.liveness().before(candidate).get(r)).count();
        int registers = BYTES_TO_FETCH * all.size() + BYTES_TO_LOAD * read.size();
        return registers
                + bodyBytes
                + bodyBytes(instructions.get(candidate))
                + BYTES_TO_STORE * (int) results;
    }

    /** The JIT compiler inlines up to the same limit, so what it inlines counts as well. */
    private static int bodyBytes(Instruction instruction) {
        int operands = 0;
        for (Operand operand : instruction.operands()) {
            operands += operand instanceof Operand.Vector vector ? vector.elements().size() * 2 : 1;
        }
        return switch (instruction.root()) {
            case "ld", "st" -> {
                boolean words = instruction.modifiers().contains("shared");
                yield words ? 80 + 20 * operands : 120 + 120 * operands;
            }
            case "fma", "add", "sub", "mul", "mad", "and", "or", "xor", "mov" -> 8 + 5 * operands;
            default -> 60 + 20 * operands;
        };
    }

    private void emit(int from, int stop) {
        code.visitCode();
        prologue();
        Label top = new Label();
        Label skip = new Label();
        Label end = new Label();
        code.visitInsn(ICONST_0);
        code.visitVarInsn(ISTORE, LaneFrame.LANE);
        code.visitLabel(top);
        code.visitVarInsn(ILOAD, LaneFrame.LANE);
        code.visitIntInsn(BIPUSH, Warp.LANES);
        code.visitJumpInsn(IF_ICMPGE, end);
        pushBit(LaneFrame.MASK);
        code.visitJumpInsn(IFEQ, skip);
        read.forEach(this::loadRegister);
        body(from, stop);
        List<Integer> results =
                written.stream().filter(r -> kernel.liveness().before(stop).get(r)).toList();
        results.forEach(this::storeRegister);
        code.visitLabel(skip);
        code.visitIincInsn(LaneFrame.LANE, 1);
        code.visitJumpInsn(GOTO, top);
        code.visitLabel(end);
        storePredicates(results);
        code.visitInsn(RETURN);
        code.visitMaxs(0, 0);
        code.visitEnd();
    }

    private void survey(Instruction instruction) {
        for (Operand operand : instruction.operands()) {
            note(operand);
        }
        instruction.guard().ifPresent(this::note);
        for (int register : Liveness.reads(instruction)) {
            if (!written.contains(register)) {
                read.add(register);
            }
        }
        for (int register : Liveness.writes(instruction)) {
            // A lane whose guard does not hold keeps the old value.
            if (instruction.guard().isPresent() && !written.contains(register)) {
                read.add(register);
            }
            written.add(register);
        }
    }

    private void note(Operand operand) {
        if (operand instanceof Operand.Reg reg) {
            all.put(reg.register().index(), reg.register());
        } else if (operand instanceof Operand.Address address) {
            note(address.base());
        } else if (operand instanceof Operand.Pair pair) {
            note(pair.first());
            note(pair.second());
        } else if (operand instanceof Operand.Vector vector) {
            vector.elements().forEach(this::note);
        } else if (operand instanceof Operand.Special special) {
            specials.put(special.name(), -1);
        }
    }

    /** What does not change from lane to lane; {@code outside} has arrays of lanes, and masks of predicates. */
    private void prologue() {
        field(LaneFrame.SHARED, "sharedWords", "[I");
        field(LaneFrame.LOCAL, "localBuffer", "Ljava/nio/ByteBuffer;");
        field(LaneFrame.PARAMETERS, "parameterBuffer", "Ljava/nio/ByteBuffer;");
        for (Register register : all.values()) {
            boolean predicate = isPredicate(register);
            variables.put(register.index(), next);
            next += kernel.kinds().of(register) == RegisterKinds.LONG ? 2 : 1;
            outside.put(register.index(), next++);
            code.visitVarInsn(ALOAD, LaneFrame.WARP);
            code.visitFieldInsn(
                    GETFIELD,
                    WARP,
                    predicate ? "predicates" : "registers",
                    predicate ? "[I" : "[[J");
            code.visitLdcInsn(register.index());
            code.visitInsn(predicate ? IALOAD : AALOAD);
            code.visitVarInsn(predicate ? ISTORE : ASTORE, outside.get(register.index()));
        }
        for (String name : specials.keySet()) {
            specials.put(name, next);
            code.visitVarInsn(ALOAD, LaneFrame.WARP);
            code.visitFieldInsn(GETFIELD, WARP, "registers", "[[J");
            code.visitLdcInsn(kernel.code().special(name));
            code.visitInsn(AALOAD);
            code.visitVarInsn(ASTORE, next++);
        }
    }

    private void field(int variable, String name, String descriptor) {
        code.visitVarInsn(ALOAD, LaneFrame.WARP);
        code.visitFieldInsn(GETFIELD, WARP, name, descriptor);
        code.visitVarInsn(ASTORE, variable);
    }

    private boolean isPredicate(Register register) {
        return kernel.kinds().of(register) == RegisterKinds.PREDICATE;
    }

    private void body(int from, int end) {
        LaneFrame frame =
                new LaneFrame(
                        code,
                        kernel.kinds(),
                        constants,
                        kernel.code().symbols(),
                        variables,
                        specials,
                        next);
        for (int i = from; i < end; i++) {
            Instruction instruction = instructions.get(i);
            Label behind = new Label();
            if (instruction.guard().isPresent()) {
                Operand.Reg guard = instruction.guard().get();
                code.visitVarInsn(ILOAD, variables.get(guard.register().index()));
                code.visitJumpInsn(guard.negated() ? IFNE : IFEQ, behind);
            }
            kernel.emissions().get(i).orElseThrow().emit(frame);
            code.visitLabel(behind);
        }
    }

    /** Pushes the bit of the lane in a mask. */
    private void pushBit(int mask) {
        code.visitVarInsn(ILOAD, mask);
        code.visitVarInsn(ILOAD, LaneFrame.LANE);
        code.visitInsn(IUSHR);
        code.visitInsn(ICONST_1);
        code.visitInsn(IAND);
    }

    private void loadRegister(int index) {
        Register register = all.get(index);
        int variable = variables.get(index);
        if (isPredicate(register)) {
            pushBit(outside.get(index));
            code.visitVarInsn(ISTORE, variable);
            return;
        }
        code.visitVarInsn(ALOAD, outside.get(index));
        code.visitVarInsn(ILOAD, LaneFrame.LANE);
        code.visitInsn(LALOAD);
        switch (kernel.kinds().of(register)) {
            case RegisterKinds.LONG -> code.visitVarInsn(LSTORE, variable);
            case RegisterKinds.FLOAT -> {
                code.visitInsn(L2I);
                String descriptor = "(I)F";
                code.visitMethodInsn(
                        INVOKESTATIC, "java/lang/Float", "intBitsToFloat", descriptor, false);
                code.visitVarInsn(FSTORE, variable);
            }
            default -> {
                code.visitInsn(L2I);
                code.visitVarInsn(ISTORE, variable);
            }
        }
    }

    private void storeRegister(int index) {
        Register register = all.get(index);
        int variable = variables.get(index);
        if (isPredicate(register)) {
            storeBit(variable, outside.get(index));
            return;
        }
        code.visitVarInsn(ALOAD, outside.get(index));
        code.visitVarInsn(ILOAD, LaneFrame.LANE);
        switch (kernel.kinds().of(register)) {
            case RegisterKinds.LONG -> code.visitVarInsn(LLOAD, variable);
            case RegisterKinds.FLOAT -> {
                code.visitVarInsn(FLOAD, variable);
                if (kernel.kinds().isArithmetic(register)) {
                    String owner = LaneFrame.inPackage("LaneMath");
                    code.visitMethodInsn(INVOKESTATIC, owner, "canonical", "(F)F", false);
                }
                String descriptor = "(F)I";
                code.visitMethodInsn(
                        INVOKESTATIC, "java/lang/Float", "floatToRawIntBits", descriptor, false);
                code.visitInsn(I2L);
            }
            default -> {
                code.visitVarInsn(ILOAD, variable);
                code.visitInsn(I2L);
            }
        }
        code.visitInsn(LASTORE);
    }

    /** {@code mask = mask & ~(1 << lane) | bit << lane}. */
    private void storeBit(int bit, int mask) {
        code.visitVarInsn(ILOAD, mask);
        code.visitInsn(ICONST_1);
        code.visitVarInsn(ILOAD, LaneFrame.LANE);
        code.visitInsn(ISHL);
        code.visitInsn(ICONST_M1);
        code.visitInsn(IXOR);
        code.visitInsn(IAND);
        code.visitVarInsn(ILOAD, bit);
        code.visitVarInsn(ILOAD, LaneFrame.LANE);
        code.visitInsn(ISHL);
        code.visitInsn(IOR);
        code.visitVarInsn(ISTORE, mask);
    }

    private void storePredicates(List<Integer> results) {
        for (int index : results) {
            if (isPredicate(all.get(index))) {
                code.visitVarInsn(ALOAD, LaneFrame.WARP);
                code.visitFieldInsn(GETFIELD, WARP, "predicates", "[I");
                code.visitLdcInsn(index);
                code.visitVarInsn(ILOAD, outside.get(index));
                code.visitInsn(IASTORE);
            }
        }
    }
}
