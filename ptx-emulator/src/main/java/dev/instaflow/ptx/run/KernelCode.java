package dev.instaflow.ptx.run;

import java.util.Arrays;
import java.util.List;

/** A decoded kernel: steps, and the layout of the registers that they index. */
final class KernelCode {
    private final Step[] steps;
    private final int specialBase;
    private final int constantBase;
    private final long[][] constants;
    private final int localBytes;
    private final int staticSharedBytes;

    KernelCode(
            List<Step> steps,
            int specialBase,
            int constantBase,
            List<Long> constants,
            int localBytes,
            int staticSharedBytes) {
        this.steps = steps.toArray(new Step[0]);
        this.specialBase = specialBase;
        this.constantBase = constantBase;
        this.constants = new long[constants.size()][Warp.LANES];
        for (int i = 0; i < this.constants.length; i++) {
            Arrays.fill(this.constants[i], constants.get(i));
        }
        this.localBytes = localBytes;
        this.staticSharedBytes = staticSharedBytes;
    }

    /** Not to be modified. */
    Step[] steps() {
        return steps;
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
        return localBytes;
    }

    int staticSharedBytes() {
        return staticSharedBytes;
    }
}
