package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Instruction;
import dev.instaflow.ptx.PtxFunction;
import dev.instaflow.ptx.ScalarType;
import java.util.Arrays;
import java.util.List;

/** A decoded kernel: steps, and the layout of the registers that they index. Thread-safe. */
final class KernelCode {
    private final PtxFunction function;
    private final Step[] steps;
    private final int specialBase;
    private final int constantBase;
    private final long[][] constants;
    private final RegisterPlan plan;
    private final Symbols symbols;
    private final Memory memory;
    private Step[] compiled = {};

    /** Bytes that a thread has of local memory, and a block of shared memory beside the dynamic. */
    record Memory(int localBytes, int staticSharedBytes) {}

    /**
     * @param function whose instructions the steps are, but for the last step
     */
    KernelCode(
            PtxFunction function,
            List<Step> steps,
            RegisterPlan plan,
            Symbols symbols,
            Memory memory) {
        this.function = function;
        this.steps = steps.toArray(new Step[0]);
        this.specialBase = plan.specialBase();
        this.constantBase = plan.constantBase();
        this.constants = new long[plan.constants().size()][Warp.LANES];
        for (int i = 0; i < this.constants.length; i++) {
            Arrays.fill(this.constants[i], plan.constants().get(i));
        }
        this.plan = plan;
        this.symbols = symbols;
        this.memory = memory;
    }

    PtxFunction function() {
        return function;
    }

    /** Not to be modified. */
    Step[] steps() {
        return steps;
    }

    /** The same with segments of bytecode, made at the first call; not to be modified. */
    synchronized Step[] compiledSteps() {
        if (compiled.length == 0) {
            compiled = KernelCompiler.compile(this);
        }
        return compiled;
    }

    /** Where variables and parameters lie. */
    Symbols symbols() {
        return symbols;
    }

    /** Register of a special name. */
    int special(String name) {
        return plan.special(name);
    }

    int registerCount() {
        return constantBase + constants.length;
    }

    int specialBase() {
        return specialBase;
    }

    int constantBase() {
        return constantBase;
    }

    /** The lanes of a constant, not to be modified. */
    long[] constant(int register) {
        return constants[register - constantBase];
    }

    int localBytes() {
        return memory.localBytes();
    }

    int staticSharedBytes() {
        return memory.staticSharedBytes();
    }

    /** Whether results depend on the order of blocks though nothing is wrong: sums of floats by atomics. */
    boolean hasFloatAtomics() {
        return function.instructions().stream().anyMatch(KernelCode::isFloatAtomic);
    }

    private static boolean isFloatAtomic(Instruction instruction) {
        boolean atomic = instruction.root().equals("atom") || instruction.root().equals("red");
        return atomic
                && instruction.modifiers().stream()
                        .anyMatch(m -> ScalarType.named(m).filter(ScalarType::isFloat).isPresent());
    }
}
