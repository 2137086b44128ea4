package dev.instaflow.ptx.run;

import static org.objectweb.asm.Opcodes.*;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;

/**
 * Replaces runs of lane-wise instructions by compiled segments. A segment holds no branch, barrier or
 * warp-wide instruction and none is jumped into, so that warps split, wait and meet exactly as they do
 * in the interpreter; within it each lane goes from end to end by itself.
 */
final class KernelCompiler {
    /** What a class may refer to, so that its initialiser stays far below 64 KB. */
    private static final int MAX_CONSTANTS = 2000;

    /** Segments of a class, so that the method which chooses among them is short enough to be compiled. */
    private static final int MAX_SEGMENTS = 500;

    private static final String SEGMENTS = LaneFrame.inPackage("Segments");
    private static final String ACTION = LaneFrame.inPackage("Step$Action");
    private static final String STEP = "L" + LaneFrame.inPackage("Step") + ";";
    private static final String WARP = "L" + LaneFrame.inPackage("Warp") + ";";

    private final KernelCode kernel;
    private final Step[] steps;
    private final List<Optional<LaneCompiler.Emission>> emissions = new ArrayList<>();
    private final BitSet leaders = new BitSet();
    private final SegmentWriter.Kernel facts;

    private KernelCompiler(KernelCode kernel) {
        this.kernel = kernel;
        this.steps = kernel.steps().clone();
        RegisterKinds kinds = new RegisterKinds(kernel.function());
        LaneCompiler compiler = new LaneCompiler(kernel);
        for (Step step : steps) {
            boolean plain = step.flow == Step.Flow.PLAIN;
            emissions.add(plain ? compiler.compile(step) : Optional.empty());
            for (int target : step.targets()) {
                leaders.set(target);
            }
            if (!plain) {
                leaders.set(step.index + 1);
            }
        }
        Liveness liveness = new Liveness(kernel.function(), steps);
        this.facts = new SegmentWriter.Kernel(kernel, kinds, liveness, emissions);
    }

    /** The steps, of which the first of each segment stands for all of it. */
    static Step[] compile(KernelCode kernel) {
        KernelCompiler compiler = new KernelCompiler(kernel);
        int next = 0;
        while (next < compiler.steps.length) {
            next = compiler.compileClass(next);
        }
        return compiler.steps;
    }

    /** Compiles segments from a step on into one class; returns the step behind the last of them. */
    private int compileClass(int from) {
        ClassWriter writer = new Writer();
        writer.visit(V17, ACC_FINAL, SEGMENTS, null, "java/lang/Object", new String[] {ACTION});
        Constants constants = new Constants(SEGMENTS);
        List<Integer> starts = new ArrayList<>();
        List<Integer> ends = new ArrayList<>();
        int at = from;
        while (at < steps.length
                && constants.size() < MAX_CONSTANTS
                && starts.size() < MAX_SEGMENTS) {
            if (emissions.get(at).isEmpty()) {
                at++;
                continue;
            }
            String name = "segment" + starts.size();
            String descriptor = "(" + WARP + "I)V";
            MethodVisitor code =
                    writer.visitMethod(ACC_PRIVATE | ACC_STATIC, name, descriptor, null, null);
            starts.add(at);
            at = new SegmentWriter(facts, code, constants).write(at, limit(at));
            ends.add(at);
        }
        if (!starts.isEmpty()) {
            constructor(writer);
            dispatch(writer, starts.size());
            constants.define(writer);
            writer.visitEnd();
            install(writer.toByteArray(), constants, starts, ends);
        }
        return at;
    }

    /** The first step that cannot be in the segment of another. */
    private int limit(int from) {
        int at = from + 1;
        while (at < steps.length && !leaders.get(at) && emissions.get(at).isPresent()) {
            at++;
        }
        return at;
    }

    private static void constructor(ClassWriter writer) {
        writer.visitField(ACC_PRIVATE | ACC_FINAL, "segment", "I", null, null).visitEnd();
        MethodVisitor code = writer.visitMethod(0, "<init>", "(I)V", null, null);
        code.visitCode();
        code.visitVarInsn(ALOAD, 0);
        code.visitMethodInsn(INVOKESPECIAL, "java/lang/Object", "<init>", "()V", false);
        code.visitVarInsn(ALOAD, 0);
        code.visitVarInsn(ILOAD, 1);
        code.visitFieldInsn(PUTFIELD, SEGMENTS, "segment", "I");
        code.visitInsn(RETURN);
        code.visitMaxs(0, 0);
        code.visitEnd();
    }

    private static void dispatch(ClassWriter writer, int count) {
        String descriptor = "(" + STEP + WARP + "I)V";
        MethodVisitor code = writer.visitMethod(ACC_PUBLIC, "run", descriptor, null, null);
        code.visitCode();
        Label[] cases = new Label[count];
        for (int i = 0; i < count; i++) {
            cases[i] = new Label();
        }
        code.visitVarInsn(ALOAD, 2);
        code.visitVarInsn(ILOAD, 3);
        code.visitVarInsn(ALOAD, 0);
        code.visitFieldInsn(GETFIELD, SEGMENTS, "segment", "I");
        code.visitTableSwitchInsn(0, count - 1, cases[0], cases);
        for (int i = 0; i < count; i++) {
            code.visitLabel(cases[i]);
            code.visitMethodInsn(INVOKESTATIC, SEGMENTS, "segment" + i, "(" + WARP + "I)V", false);
            code.visitInsn(RETURN);
        }
        code.visitMaxs(0, 0);
        code.visitEnd();
    }

    private void install(
            byte[] bytes, Constants constants, List<Integer> starts, List<Integer> ends) {
        try {
            MethodHandles.Lookup lookup =
                    MethodHandles.lookup()
                            .defineHiddenClassWithClassData(bytes, constants.values(), true);
            var constructor = lookup.lookupClass().getDeclaredConstructor(int.class);
            for (int i = 0; i < starts.size(); i++) {
                Step.Action action = (Step.Action) constructor.newInstance(i);
                Step first = kernel.steps()[starts.get(i)];
                steps[starts.get(i)] = first.asSegment(ends.get(i) - starts.get(i), action);
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(
                    kernel.function().name() + ": compiled code could not be loaded", e);
        }
    }

    /** Types that meet in a variable are the same or of no interest. */
    private static final class Writer extends ClassWriter {
        Writer() {
            super(COMPUTE_FRAMES);
        }

        @Override
        protected String getCommonSuperClass(String a, String b) {
            return "java/lang/Object";
        }
    }
}
