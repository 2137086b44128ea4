package dev.instaflow.ptx.run;

/** One decoded instruction. Immutable, shared by all warps and launches. */
final class Step {
    /** What the runner has to do around an action. */
    enum Flow {
        PLAIN,
        BRANCH,
        /** Jumps to the target that a register counts. */
        TABLE,
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

    /** Register of the member mask for WARP, of the index for TABLE, otherwise 0. */
    final int detail;

    /** Steps that this one stands for. */
    final int length;

    private final int[] targets;

    Step(
            int index,
            int line,
            InstructionClass group,
            Flow flow,
            Guard guard,
            Action action,
            int detail,
            int... targets) {
        this(index, line, group, flow, guard, action, detail, 1, targets);
    }

    private Step(
            int index,
            int line,
            InstructionClass group,
            Flow flow,
            Guard guard,
            Action action,
            int detail,
            int length,
            int[] targets) {
        this.index = index;
        this.line = line;
        this.group = group;
        this.flow = flow;
        this.guard = guard;
        this.action = action;
        this.detail = detail;
        this.length = length;
        this.targets = targets;
    }

    /** Stands in for this step and those behind it. */
    Step asSegment(int steps, Action compiled) {
        return new Step(index, line, group, Flow.PLAIN, Guard.NONE, compiled, 0, steps, new int[0]);
    }

    /** Steps that a branch may go to, by their index; not to be modified. */
    int[] targets() {
        return targets;
    }

    /** Whether a lane may go on to the next step. */
    boolean fallsThrough() {
        boolean leaves = flow == Flow.BRANCH || flow == Flow.TABLE || flow == Flow.EXIT;
        return !leaves || guard != Guard.NONE;
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
