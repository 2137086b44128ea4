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

    static final int NO_GUARD = -1;

    private final int line;
    final InstructionClass group;
    final Flow flow;
    final int guard;
    final boolean guardNegated;
    final Action action;

    /** Instruction index for BRANCH, register of the member mask for WARP, otherwise 0. */
    final int detail;

    Step(
            int line,
            InstructionClass group,
            Flow flow,
            int guard,
            boolean guardNegated,
            Action action,
            int detail) {
        this.line = line;
        this.group = group;
        this.flow = flow;
        this.guard = guard;
        this.guardNegated = guardNegated;
        this.action = action;
        this.detail = detail;
    }

    int line() {
        return line;
    }

    /** The lanes of a mask for which the guard holds. */
    int guarded(Warp warp, int mask) {
        if (guard == NO_GUARD) {
            return mask;
        }
        int predicate = warp.predicates[guard];
        return mask & (guardNegated ? ~predicate : predicate);
    }
}
