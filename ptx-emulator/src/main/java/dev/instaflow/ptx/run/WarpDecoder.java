package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.ScalarType;

/** Instructions in which the lanes of a warp see each other's registers. */
final class WarpDecoder {
    private WarpDecoder() {}

    static Step.Action shuffle(Decoding d) {
        d.require("sync");
        String mode = d.require("up", "down", "bfly", "idx");
        Operand target = d.operand(0);
        int out = d.target(target instanceof Operand.Pair p ? p.first() : target);
        int valid = target instanceof Operand.Pair p ? d.predicate(p.second()) : -1;
        int in = d.value(1, ScalarType.B32);
        int by = d.value(2, ScalarType.B32);
        int clamp = d.value(3, ScalarType.B32);
        return (step, warp, mask) -> {
            long[] values = warp.registers[in].clone();
            int inRange = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int lane = Integer.numberOfTrailingZeros(m);
                int from =
                        source(
                                mode,
                                lane,
                                (int) warp.registers[by][lane],
                                (int) warp.registers[clamp][lane]);
                inRange |= from >= 0 ? 1 << lane : 0;
                int source = from >= 0 ? from : lane;
                if ((mask >>> source & 1) == 0) {
                    warp.context
                            .sanitiser()
                            .report(
                                    Finding.Kind.DIVERGENT_WARP,
                                    step,
                                    warp,
                                    lane,
                                    "shfl reads lane " + source + ", which does not take part");
                }
                warp.registers[out][lane] = values[source];
            }
            if (valid >= 0) {
                warp.setPredicate(valid, mask, inRange);
            }
        };
    }

    /** The lane that is read, -1 if out of range; PTX ISA, "shfl.sync". */
    private static int source(String mode, int lane, int b, int c) {
        int by = b & 31;
        int segment = c >> 8 & 31;
        int last = lane & segment | c & 31 & ~segment;
        int first = lane & segment;
        int from =
                switch (mode) {
                    case "up" -> lane - by;
                    case "down" -> lane + by;
                    case "bfly" -> lane ^ by;
                    default -> first | by & ~segment;
                };
        boolean inRange = mode.equals("up") ? from >= last : from <= last;
        return inRange ? from : -1;
    }

    static Step.Action vote(Decoding d) {
        d.require("sync");
        String mode = d.require("all", "any", "uni", "ballot");
        Decoding.Lanes in = d.lanes(d.operand(1));
        if (mode.equals("ballot")) {
            int out = d.target(0);
            return (step, warp, mask) -> setAll(warp, out, mask, in.in(warp) & mask);
        }
        int out = d.predicate(d.operand(0));
        return (step, warp, mask) -> {
            int holds = in.in(warp) & mask;
            boolean result =
                    switch (mode) {
                        case "all" -> holds == mask;
                        case "any" -> holds != 0;
                        default -> holds == mask || holds == 0;
                    };
            warp.setPredicate(out, mask, result ? -1 : 0);
        };
    }

    static Step.Action activeMask(Decoding d) {
        int out = d.target(0);
        return (step, warp, mask) -> setAll(warp, out, mask, mask);
    }

    private static void setAll(Warp warp, int register, int mask, int value) {
        for (int m = mask; m != 0; m &= m - 1) {
            warp.registers[register][Integer.numberOfTrailingZeros(m)] = value & 0xffffffffL;
        }
    }

    static Step.Action match(Decoding d, ScalarType type) {
        d.require("sync");
        boolean all = d.require("any", "all").equals("all");
        Operand target = d.operand(0);
        int out = d.target(target instanceof Operand.Pair p ? p.first() : target);
        int holds = target instanceof Operand.Pair p ? d.predicate(p.second()) : -1;
        int in = d.value(1, type);
        return (step, warp, mask) -> {
            long[] values = warp.registers[in].clone();
            int equalToAll = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int lane = Integer.numberOfTrailingZeros(m);
                int same = 0;
                for (int n = mask; n != 0; n &= n - 1) {
                    int other = Integer.numberOfTrailingZeros(n);
                    boolean equal =
                            Lanewise.read(values[lane], type) == Lanewise.read(values[other], type);
                    same |= equal ? 1 << other : 0;
                }
                equalToAll |= same == mask ? 1 << lane : 0;
                warp.registers[out][lane] = (all && same != mask ? 0 : same) & 0xffffffffL;
            }
            if (holds >= 0) {
                warp.setPredicate(holds, mask, equalToAll);
            }
        };
    }

    static Step.Action reduce(Decoding d, ScalarType type) {
        d.require("sync");
        String operation = d.require("add", "min", "max", "and", "or", "xor");
        int out = d.target(0);
        int in = d.value(1, type);
        return (step, warp, mask) -> {
            boolean first = true;
            long result = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                long value =
                        Lanewise.read(warp.registers[in][Integer.numberOfTrailingZeros(m)], type);
                result = first ? value : combined(operation, result, value);
                first = false;
            }
            setAll(warp, out, mask, (int) result);
        };
    }

    private static long combined(String operation, long a, long b) {
        return switch (operation) {
            case "add" -> a + b;
            case "min" -> Math.min(a, b);
            case "max" -> Math.max(a, b);
            case "and" -> a & b;
            case "or" -> a | b;
            default -> a ^ b;
        };
    }

    /** Fails unless all lanes of the warp take part. */
    static void requireWholeWarp(Step step, Warp warp, int mask) {
        if (mask != -1) {
            String message = String.format("only lanes 0x%08x execute it", mask);
            throw warp.context
                    .sanitiser()
                    .fatal(
                            Finding.Kind.DIVERGENT_WARP,
                            step,
                            warp,
                            Integer.numberOfTrailingZeros(mask),
                            message);
        }
    }
}
