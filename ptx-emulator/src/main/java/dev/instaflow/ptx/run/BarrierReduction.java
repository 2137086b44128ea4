package dev.instaflow.ptx.run;

/**
 * bar.red: what one warp brings to a barrier that reduces a predicate over all threads, and where the
 * result goes.
 *
 * @param kind popc, and, or
 * @param out register of the result, a predicate unless popc
 * @param lanes that take part
 * @param holds lanes whose predicate holds
 */
record BarrierReduction(String kind, int out, int lanes, int holds) {
    static final BarrierReduction NONE = new BarrierReduction("", 0, 0, 0);

    /** Hands the result to every warp that waits at a complete barrier. */
    static void finish(Warp[] warps, int barrier) {
        int holding = 0;
        int taking = 0;
        for (Warp warp : warps) {
            if (warp.barrier == barrier) {
                holding += Integer.bitCount(warp.reduction.holds);
                taking += Integer.bitCount(warp.reduction.lanes);
            }
        }
        for (Warp warp : warps) {
            if (warp.barrier == barrier) {
                warp.reduction.give(warp, holding, taking);
                warp.reduction = NONE;
            }
        }
    }

    private void give(Warp warp, int holding, int taking) {
        switch (kind) {
            case "popc" -> {
                for (int m = lanes; m != 0; m &= m - 1) {
                    warp.registers[out][Integer.numberOfTrailingZeros(m)] = holding;
                }
            }
            case "and" -> warp.setPredicate(out, lanes, holding == taking ? -1 : 0);
            case "or" -> warp.setPredicate(out, lanes, holding > 0 ? -1 : 0);
            default -> {}
        }
    }
}
