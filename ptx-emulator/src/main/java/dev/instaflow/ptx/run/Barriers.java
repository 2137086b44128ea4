package dev.instaflow.ptx.run;

/** The barriers of a block, once every warp waits at one or is done. */
final class Barriers {
    /** Barriers that a block has. */
    static final int COUNT = 16;

    private Barriers() {}

    /** Lets go the warps whose barrier is complete. */
    static void release(Warp[] warps, int threads, LaunchContext context) {
        boolean released = false;
        for (int id = 0; id < COUNT; id++) {
            int arrived = context.arrivals()[id];
            Warp first = null;
            for (Warp warp : warps) {
                if (warp.barrier == id) {
                    arrived += Warp.LANES;
                    first = first == null ? warp : first;
                    if (first.barrierCount == 0) {
                        checkSame(first, warp, context);
                    }
                }
            }
            if (first == null) {
                continue;
            }
            int expected = first.barrierCount;
            boolean complete = expected == 0 ? allArrived(warps, id) : arrived >= expected;
            if (expected == 0 && complete) {
                checkNobodyLeft(warps, threads, first, context);
            }
            if (complete) {
                context.shared().barrier();
                context.arrivals()[id] = 0;
                BarrierReduction.finish(warps, id);
                for (Warp warp : warps) {
                    if (warp.barrier == id) {
                        warp.barrier = -1;
                    }
                }
                released = true;
            }
        }
        if (!released) {
            throw deadlock(warps, context);
        }
    }

    /** Whether every warp that has live threads is at this barrier. */
    private static boolean allArrived(Warp[] warps, int id) {
        for (Warp warp : warps) {
            if (!warp.isDone() && warp.barrier != id) {
                return false;
            }
        }
        return true;
    }

    private static void checkSame(Warp first, Warp warp, LaunchContext context) {
        if (warp.barrierStep != first.barrierStep) {
            String message =
                    "warps of a block wait at different barriers, also at line "
                            + first.barrierStep.line();
            context.sanitiser()
                    .report(Finding.Kind.DIVERGENT_BARRIER, warp.barrierStep, warp, 0, message);
        }
    }

    private static void checkNobodyLeft(
            Warp[] warps, int threads, Warp first, LaunchContext context) {
        int live = 0;
        for (Warp warp : warps) {
            live += Integer.bitCount(warp.live);
        }
        if (live < threads) {
            String message = (threads - live) + " threads of the block have exited before it";
            context.sanitiser()
                    .report(
                            Finding.Kind.DIVERGENT_BARRIER,
                            first.barrierStep,
                            first,
                            Integer.numberOfTrailingZeros(first.live),
                            message);
        }
    }

    private static KernelFault deadlock(Warp[] warps, LaunchContext context) {
        StringBuilder places = new StringBuilder("warps wait for ever:");
        Warp first = null;
        for (Warp warp : warps) {
            if (warp.barrier >= 0) {
                first = first == null ? warp : first;
                places.append(" warp ")
                        .append(warp.index)
                        .append(" at barrier ")
                        .append(warp.barrier)
                        .append(" of line ")
                        .append(warp.barrierStep.line());
            }
        }
        if (first == null) {
            throw new IllegalStateException("no warp waits");
        }
        return context.sanitiser()
                .fatal(
                        Finding.Kind.DIVERGENT_BARRIER,
                        first.barrierStep,
                        first,
                        0,
                        places.toString());
    }
}
