package dev.instaflow.ptx.run;

/** One decoded instruction. Immutable, shared by all warps and launches. */
final class Step {
    /** What the runner has to do around an action. */
    enum Flow {
        PLAIN,
        BRANCH,
        EXIT,
        BARRIER,
        /** Needs the lanes of its member mask together. */
        WARP
    }

    /** The effect of an instruction on the lanes of a mask, which is never 0. */
    interface Action {
        void run(Step step, Warp warp, int mask);
    }

    /**
     * @param register predicate that must hold, -1 for none
     * @param negated whether it must not hold instead
     */
    record Guard(int register, boolean negated) {
        static final Guard NONE = new Guard(-1, false);
    }

    /** Position among the steps of the kernel. */
    final int index;

    private final int line;
    final InstructionClass group;
    final Flow flow;
    final Guard guard;
    final Action action;

    /** Instruction index for BRANCH, register of the member mask for WARP, otherwise 0. */
    final int detail;

    Step(
            int index,
            int line,
            InstructionClass group,
            Flow flow,
            Guard guard,
            Action action,
            int detail) {
        this.index = index;
        this.line = line;
        this.group = group;
        this.flow = flow;
        this.guard = guard;
        this.action = action;
        this.detail = detail;
    }

    int line() {
        return line;
    }

    /** The lanes of a mask for which the guard holds. */
    int guarded(Warp warp, int mask) {
        if (guard == Guard.NONE) {
            return mask;
        }
        int predicate = warp.predicates[guard.register()];
        return mask & (guard.negated() ? ~predicate : predicate);
    }
}
