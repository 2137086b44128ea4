package dev.instaflow.ptx.run;

import java.util.Arrays;

/**
 * Runs the blocks of a launch one after another, the warps of a block in turn from barrier to barrier.
 * <p>Within a warp, groups of lanes at different instructions run lowest instruction first, and groups
 * that meet at an instruction become one: for code as compilers lay it out, that reconverges as early
 * as hardware does.
 */
final class BlockRunner {
    private final LaunchContext context;
    private final Step[] steps;
    private final long[] warpRuns;
    private final long[] threadRuns;
    private final Warp[] warps;
    private final int threads;
    private long budget;

    /**
     * @param budget warp instructions that the launch may execute
     */
    BlockRunner(LaunchContext context, long budget) {
        this.context = context;
        this.steps = context.isChecked() ? context.code().steps() : context.code().compiledSteps();
        this.warpRuns = new long[steps.length];
        this.threadRuns = new long[steps.length];
        this.threads = Math.toIntExact(context.block().count());
        this.warps = new Warp[(threads + Warp.LANES - 1) / Warp.LANES];
        this.budget = budget;
        for (int i = 0; i < warps.length; i++) {
            warps[i] = new Warp(context, i);
        }
    }

    /** What ran so far. */
    InstructionCounts counts() {
        return context.isChecked()
                ? InstructionCounts.of(steps, warpRuns, threadRuns)
                : InstructionCounts.NONE;
    }

    void runBlock(Dim3 index) {
        context.shared().startBlock();
        Arrays.fill(context.arrivals(), 0);
        for (Warp warp : warps) {
            warp.start(index, threads);
        }
        boolean waiting = true;
        while (waiting) {
            waiting = false;
            for (Warp warp : warps) {
                if (warp.barrier < 0 && !warp.isDone()) {
                    runToBarrier(warp);
                }
                waiting |= warp.barrier >= 0;
            }
            if (waiting) {
                Barriers.release(warps, threads, context);
            }
        }
    }

    private void runToBarrier(Warp warp) {
        while (warp.barrier < 0) {
            mergeGroups(warp);
            if (warp.groupCount == 0) {
                return;
            }
            int group = lowestRunnable(warp);
            if (group < 0) {
                group = wokenByExits(warp);
            }
            if (group >= 0) {
                runGroup(warp, group);
            } else if (warp.groupCount == 1 && steps[warp.groupPc[0]].flow == Step.Flow.BARRIER) {
                arrive(warp);
            } else {
                throw stuck(warp);
            }
        }
    }

    /** All live lanes stand at one barrier instruction. */
    private void arrive(Warp warp) {
        Step step = steps[warp.groupPc[0]];
        warp.groupPc[0]++;
        warp.groupWaits[0] = false;
        warp.barrierStep = step;
        step.action.run(step, warp, warp.groupMask[0]);
    }

    private KernelFault stuck(Warp warp) {
        Step first = steps[warp.groupPc[0]];
        boolean barrier = true;
        StringBuilder places = new StringBuilder();
        for (int i = 0; i < warp.groupCount; i++) {
            Step step = steps[warp.groupPc[i]];
            barrier &= step.flow == Step.Flow.BARRIER;
            places.append(i == 0 ? "" : ", ")
                    .append(String.format("lanes 0x%08x at line ", warp.groupMask[i]))
                    .append(step.line());
        }
        Finding.Kind kind = barrier ? Finding.Kind.DIVERGENT_BARRIER : Finding.Kind.DIVERGENT_WARP;
        return context.sanitiser()
                .fatal(
                        kind,
                        first,
                        warp,
                        Integer.numberOfTrailingZeros(warp.groupMask[0]),
                        "lanes of a warp wait for each other: " + places);
    }

    private static void mergeGroups(Warp warp) {
        for (int i = 0; i < warp.groupCount; i++) {
            for (int j = warp.groupCount - 1; j > i; j--) {
                if (warp.groupPc[i] == warp.groupPc[j]) {
                    warp.groupMask[i] |= warp.groupMask[j];
                    warp.groupWaits[i] = false;
                    remove(warp, j);
                }
            }
        }
    }

    private static void remove(Warp warp, int group) {
        int last = --warp.groupCount;
        warp.groupPc[group] = warp.groupPc[last];
        warp.groupMask[group] = warp.groupMask[last];
        warp.groupWaits[group] = warp.groupWaits[last];
    }

    private static int lowestRunnable(Warp warp) {
        int lowest = -1;
        for (int i = 0; i < warp.groupCount; i++) {
            if (!warp.groupWaits[i] && (lowest < 0 || warp.groupPc[i] < warp.groupPc[lowest])) {
                lowest = i;
            }
        }
        return lowest;
    }

    /** A group that waited for lanes which have exited since, or -1. */
    private int wokenByExits(Warp warp) {
        for (int i = 0; i < warp.groupCount; i++) {
            Step step = steps[warp.groupPc[i]];
            if (step.flow == Step.Flow.WARP
                    && (warp.groupCount == 1 || !isMissingLanes(step, warp, warp.groupMask[i]))) {
                warp.groupWaits[i] = false;
                return i;
            }
        }
        return -1;
    }

    /** Runs a group until it splits, waits, exits or reaches another group's instruction. */
    private void runGroup(Warp warp, int group) {
        int pc = warp.groupPc[group];
        int mask = warp.groupMask[group];
        int meeting = Integer.MAX_VALUE;
        for (int i = 0; i < warp.groupCount; i++) {
            if (warp.groupPc[i] > pc) {
                meeting = Math.min(meeting, warp.groupPc[i]);
            }
        }
        boolean alone = warp.groupCount == 1;
        while (pc < meeting) {
            Step step = steps[pc];
            switch (step.flow) {
                case PLAIN -> {
                    int active = step.guarded(warp, mask);
                    if (active != 0) {
                        count(pc, active, warp, step);
                        step.action.run(step, warp, active);
                    }
                    pc += step.length;
                }
                case BRANCH -> {
                    int taken = step.guarded(warp, mask);
                    count(pc, mask, warp, step);
                    if (taken == mask) {
                        pc = step.targets()[0];
                    } else if (taken == 0) {
                        pc++;
                    } else {
                        warp.groupPc[group] = pc + 1;
                        warp.groupMask[group] = mask & ~taken;
                        warp.groupPc[warp.groupCount] = step.targets()[0];
                        warp.groupMask[warp.groupCount] = taken;
                        warp.groupWaits[warp.groupCount++] = false;
                        return;
                    }
                    if (!alone && taken == mask) {
                        // The target may lie behind another group, or beyond the meeting point.
                        warp.groupPc[group] = pc;
                        return;
                    }
                }
                case TABLE -> {
                    int leaving = step.guarded(warp, mask);
                    count(pc, mask, warp, step);
                    warp.groupPc[group] = pc + 1;
                    warp.groupMask[group] = mask & ~leaving;
                    scatter(warp, step, leaving);
                    if (mask == leaving) {
                        remove(warp, group);
                    }
                    return;
                }
                case EXIT -> {
                    int leaving = step.guarded(warp, mask);
                    count(pc, mask, warp, step);
                    warp.live &= ~leaving;
                    mask &= ~leaving;
                    warp.groupMask[group] = mask;
                    if (mask == 0) {
                        remove(warp, group);
                        return;
                    }
                    pc++;
                }
                case BARRIER -> {
                    count(pc, mask, warp, step);
                    warp.groupPc[group] = pc;
                    warp.groupWaits[group] = true;
                    return;
                }
                default -> {
                    int active = step.guarded(warp, mask);
                    if (active != 0 && isMissingLanes(step, warp, active)) {
                        if (alone) {
                            throw lanesMissing(step, warp, active);
                        }
                        warp.groupPc[group] = pc;
                        warp.groupWaits[group] = true;
                        return;
                    }
                    if (active != 0) {
                        count(pc, active, warp, step);
                        step.action.run(step, warp, active);
                    }
                    pc++;
                }
            }
        }
        warp.groupPc[group] = pc;
    }

    /** Makes a group of the lanes that go to the same place. */
    private void scatter(Warp warp, Step step, int leaving) {
        for (int m = leaving; m != 0; ) {
            int lane = Integer.numberOfTrailingZeros(m);
            long choice = warp.registers[step.detail][lane] & 0xffffffffL;
            if (choice >= step.targets().length) {
                String message = "target " + choice + " of " + step.targets().length;
                throw context.sanitiser()
                        .fatal(Finding.Kind.OUT_OF_BOUNDS, step, warp, lane, message);
            }
            int same = 0;
            for (int n = m; n != 0; n &= n - 1) {
                int other = Integer.numberOfTrailingZeros(n);
                boolean equal = (int) warp.registers[step.detail][other] == (int) choice;
                same |= equal ? 1 << other : 0;
            }
            warp.groupPc[warp.groupCount] = step.targets()[(int) choice];
            warp.groupMask[warp.groupCount] = same;
            warp.groupWaits[warp.groupCount++] = false;
            m &= ~same;
        }
    }

    private void count(int pc, int mask, Warp warp, Step step) {
        warpRuns[pc]++;
        threadRuns[pc] += Integer.bitCount(mask);
        budget -= step.length;
        if (budget < 0) {
            throw context.sanitiser()
                    .fatal(
                            Finding.Kind.INSTRUCTION_LIMIT,
                            step,
                            warp,
                            Integer.numberOfTrailingZeros(mask),
                            "the launch may execute no more instructions");
        }
    }

    private static boolean isMissingLanes(Step step, Warp warp, int active) {
        int lane = Integer.numberOfTrailingZeros(active);
        int members = (int) warp.registers[step.detail][lane];
        return (members & warp.live & ~active) != 0;
    }

    private KernelFault lanesMissing(Step step, Warp warp, int active) {
        int lane = Integer.numberOfTrailingZeros(active);
        String message =
                String.format(
                        "lanes 0x%08x execute it, its mask is 0x%08x",
                        active, (int) warp.registers[step.detail][lane]);
        return context.sanitiser().fatal(Finding.Kind.DIVERGENT_WARP, step, warp, lane, message);
    }
}
