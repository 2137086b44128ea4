package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Operand;
import dev.instaflow.ptx.ScalarType;
import dev.instaflow.ptx.StateSpace;
import dev.instaflow.ptx.run.EmulatedMemory.Allocation;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Predicate;

/** ld, st, atom, red and cp.async. */
final class MemoryDecoder {
    private static final String[] IGNORED = {
        "weak",
        "relaxed",
        "acquire",
        "release",
        "acq_rel",
        "volatile",
        "cta",
        "gpu",
        "sys",
        "ca",
        "cg",
        "cs",
        "lu",
        "cv",
        "wb",
        "wt",
        "nc",
        "noftz"
    };

    private MemoryDecoder() {}

    static Step.Action load(Decoding d, ScalarType type) {
        d.ignore(IGNORED);
        StateSpace space = d.takeAccessSpace(1);
        List<Operand> parts = vector(d, 0);
        int[] targets = parts.stream().mapToInt(d::target).toArray();
        Addresses addresses = Addresses.of(d, 1);
        int size = type.sizeBytes();
        int bytes = size * targets.length;
        return (step, warp, mask) -> {
            addresses.fill(warp, mask);
            long[][] into = new long[targets.length][];
            for (int k = 0; k < into.length; k++) {
                into[k] = warp.registers[targets[k]];
            }
            // Addresses were copied, so a target may be the base register.
            for (int m = mask; m != 0; m &= m - 1) {
                int lane = Integer.numberOfTrailingZeros(m);
                long address = warp.addresses[lane];
                StateSpace found = MemoryUnit.spaceOf(space, address);
                MemoryUnit.read(step, warp, lane, found, address, size, into);
                if (type.isSigned()) {
                    for (long[] register : into) {
                        register[lane] = Lanewise.read(register[lane], type);
                    }
                }
            }
            measure(warp, mask, space, bytes, true);
        };
    }

    static Step.Action store(Decoding d, ScalarType type) {
        d.ignore(IGNORED);
        StateSpace space = d.takeAccessSpace(0);
        int[] sources = vector(d, 1).stream().mapToInt(p -> d.value(p, type)).toArray();
        Addresses addresses = Addresses.of(d, 0);
        int size = type.sizeBytes();
        int bytes = size * sources.length;
        return (step, warp, mask) -> {
            addresses.fill(warp, mask);
            long[][] from = new long[sources.length][];
            for (int k = 0; k < from.length; k++) {
                from[k] = warp.registers[sources[k]];
            }
            for (int m = mask; m != 0; m &= m - 1) {
                int lane = Integer.numberOfTrailingZeros(m);
                long address = warp.addresses[lane];
                StateSpace found = MemoryUnit.spaceOf(space, address);
                MemoryUnit.write(step, warp, lane, found, address, size, from);
            }
            measure(warp, mask, space, bytes, false);
        };
    }

    /**
     * The space of an access. What calls pass lies in local memory, though PTX calls it param.
     *
     * @param modifiers of ld or st
     * @param isParameter whether a name is a parameter of the kernel
     */
    static StateSpace spaceOf(List<String> modifiers, Operand base, Predicate<String> isParameter) {
        StateSpace space =
                modifiers.stream()
                        .flatMap(m -> StateSpace.named(m).stream())
                        .findFirst()
                        .orElse(StateSpace.GENERIC);
        boolean passed =
                space == StateSpace.PARAM
                        && base instanceof Operand.Symbol symbol
                        && !isParameter.test(symbol.name());
        return passed ? StateSpace.LOCAL : space;
    }

    private static List<Operand> vector(Decoding d, int operand) {
        String width = d.takeAny("v2", "v4", "v8").orElse("v1");
        List<Operand> parts = d.elements(operand);
        if (parts.size() != width.charAt(1) - '0') {
            throw d.error("has " + parts.size() + " elements, expected ." + width);
        }
        return parts;
    }

    /** Counts an access whose addresses lie in the warp's scratch and have been checked. */
    private static void measure(Warp warp, int mask, StateSpace space, int bytes, boolean load) {
        int global = 0;
        int shared = 0;
        for (int m = mask; m != 0; m &= m - 1) {
            int lane = Integer.numberOfTrailingZeros(m);
            switch (MemoryUnit.spaceOf(space, warp.addresses[lane])) {
                case GLOBAL -> global |= 1 << lane;
                case SHARED -> shared |= 1 << lane;
                default -> {}
            }
        }
        TrafficMeter meter = warp.context.meter();
        if (shared != 0) {
            meter.shared(warp.addresses, shared, bytes);
        }
        if (global != 0 && load) {
            meter.load(warp.addresses, global, bytes);
        } else if (global != 0) {
            meter.store(warp.addresses, global, bytes);
        }
    }

    private interface Update {
        long apply(long old, long b, long c);
    }

    /** atom returns the old value, red does not; lanes act in order. */
    static Step.Action atomic(Decoding d, ScalarType type) {
        d.ignore(IGNORED);
        StateSpace space = d.takeSpace();
        boolean returns = d.root().equals("atom");
        int addressAt = returns ? 1 : 0;
        String operation =
                d.require("add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec");
        Update update = update(d, operation, type);
        int out = !returns || d.operand(0) instanceof Operand.Sink ? -1 : d.target(0);
        Addresses addresses = Addresses.of(d, addressAt);
        int second = d.value(addressAt + 1, type);
        int third = operation.equals("cas") ? d.value(addressAt + 2, type) : second;
        int size = type.sizeBytes();
        return (step, warp, mask) -> {
            addresses.fill(warp, mask);
            for (int m = mask; m != 0; m &= m - 1) {
                int lane = Integer.numberOfTrailingZeros(m);
                long address = warp.addresses[lane];
                long b = Lanewise.read(warp.registers[second][lane], type);
                long c = Lanewise.read(warp.registers[third][lane], type);
                long old;
                if (MemoryUnit.spaceOf(space, address) == StateSpace.SHARED) {
                    SharedMemory shared = warp.context.shared();
                    int at = shared.locate(step, warp, lane, address, size);
                    shared.noteAtomic(step, warp, lane, at, size);
                    old = Lanewise.read(shared.get(at, size), type);
                    shared.put(at, size, update.apply(old, b, c));
                } else {
                    Allocation allocation =
                            MemoryUnit.globalForUpdate(step, warp, lane, address, size);
                    int at = (int) (address - allocation.base);
                    // Other blocks may be at it on other threads.
                    synchronized (warp.context.memory().lock(address)) {
                        old = exchange(allocation.data, at, type, update, b, c);
                    }
                }
                if (out >= 0) {
                    warp.registers[out][lane] = old;
                }
            }
            measure(warp, mask, space, size, false);
        };
    }

    private static long exchange(
            ByteBuffer data, int at, ScalarType type, Update update, long b, long c) {
        long old = Lanewise.read(Bytes.get(data, at, type.sizeBytes()), type);
        Bytes.put(data, at, type.sizeBytes(), update.apply(old, b, c));
        return old;
    }

    private static Update update(Decoding d, String operation, ScalarType type) {
        boolean unsigned = type == ScalarType.U64;
        return switch (operation) {
            case "add" -> type.isFloat() ? floatAdd(type) : (old, b, c) -> old + b;
            case "min" ->
                    (old, b, c) ->
                            (unsigned ? Long.compareUnsigned(old, b) : Long.compare(old, b)) < 0
                                    ? old
                                    : b;
            case "max" ->
                    (old, b, c) ->
                            (unsigned ? Long.compareUnsigned(old, b) : Long.compare(old, b)) > 0
                                    ? old
                                    : b;
            case "and" -> (old, b, c) -> old & b;
            case "or" -> (old, b, c) -> old | b;
            case "xor" -> (old, b, c) -> old ^ b;
            case "exch" -> (old, b, c) -> b;
            case "cas" -> (old, b, c) -> old == b ? c : old;
            case "inc" -> (old, b, c) -> old >= b ? 0 : old + 1;
            case "dec" -> (old, b, c) -> old == 0 || old > b ? b : old - 1;
            default -> throw d.error("is not known");
        };
    }

    private static Update floatAdd(ScalarType type) {
        Codec codec = Codec.of(type);
        boolean pair = type == ScalarType.F16X2 || type == ScalarType.BF16X2;
        return (old, b, c) -> {
            long low = codec.encode(FloatDecoder.sum(codec.decode(old), codec.decode(b), type));
            if (!pair) {
                return low;
            }
            double high = FloatDecoder.sum(codec.decode(old >>> 16), codec.decode(b >>> 16), type);
            return low | codec.encode(high) << 16;
        };
    }

    static Step.Action asyncCopy(Decoding d) {
        if (!d.take("async")) {
            throw d.error("is not known: only cp.async is");
        }
        if (d.take("commit_group")) {
            return (step, warp, mask) -> forLanes(mask, warp.copies::commit);
        }
        if (d.take("wait_all")) {
            return (step, warp, mask) ->
                    forLanes(mask, lane -> arrive(step, warp, lane, warp.copies.awaitAll(lane)));
        }
        if (d.take("wait_group")) {
            int pending = d.immediate(0);
            return (step, warp, mask) ->
                    forLanes(
                            mask,
                            lane ->
                                    arrive(
                                            step,
                                            warp,
                                            lane,
                                            warp.copies.awaitGroups(lane, pending)));
        }
        return issue(d);
    }

    private static Step.Action issue(Decoding d) {
        String cache = d.require("ca", "cg");
        d.ignore();
        if (d.takeSpace() != StateSpace.SHARED || d.takeSpace() != StateSpace.GLOBAL) {
            throw d.error("must be .shared.global");
        }
        int bytes = d.immediate(2);
        if (bytes != 16 && (cache.equals("cg") || bytes != 4 && bytes != 8)) {
            throw d.error("cannot copy " + bytes + " bytes");
        }
        Addresses targets = Addresses.of(d, 0);
        Addresses sources = Addresses.of(d, 1);
        boolean ignorable = d.operandCount() > 3 && d.isPredicate(3);
        Decoding.Lanes ignored = ignorable ? d.lanes(d.operand(3)) : w -> 0;
        int count = d.operandCount() > 3 && !ignorable ? d.value(3, ScalarType.U32) : -1;
        return (step, warp, mask) -> {
            targets.fill(warp, mask);
            long[] offsets = warp.addresses.clone();
            sources.fill(warp, mask);
            int reading = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int lane = Integer.numberOfTrailingZeros(m);
                int wanted = count < 0 ? bytes : (int) warp.registers[count][lane];
                int size = (ignored.in(warp) >>> lane & 1) != 0 ? 0 : Math.min(bytes, wanted);
                byte[] data = fetch(step, warp, lane, warp.addresses[lane], bytes, size);
                reading |= size > 0 ? 1 << lane : 0;
                SharedMemory shared = warp.context.shared();
                int at = shared.locate(step, warp, lane, offsets[lane], bytes);
                shared.noteCopyIssued(step, warp, lane, at, bytes);
                warp.copies.issue(lane, new AsyncCopies.Copy(at, data));
            }
            TrafficMeter meter = warp.context.meter();
            meter.shared(offsets, mask, bytes);
            if (reading != 0) {
                meter.load(warp.addresses, reading, bytes);
            }
        };
    }

    private static byte[] fetch(Step step, Warp warp, int lane, long address, int bytes, int size) {
        byte[] data = new byte[bytes];
        if (size <= 0) {
            return data;
        }
        if ((address & (bytes - 1)) != 0) {
            // Alignment is that of the whole copy, even if less is read.
            MemoryUnit.global(step, warp, lane, address, bytes);
        }
        Allocation allocation = MemoryUnit.global(step, warp, lane, address, 1);
        if (!allocation.contains(address, size)) {
            MemoryUnit.global(step, warp, lane, address, bytes);
        }
        int at = (int) (address - allocation.base);
        if (warp.context.isChecked() && !Bytes.allOne(allocation.written, at, size)) {
            MemoryUnit.uninitialised(step, warp, lane, warp.context.memory().describe(address));
        }
        allocation.data.get(at, data, 0, size);
        return data;
    }

    private static void arrive(Step step, Warp warp, int lane, List<AsyncCopies.Copy> copies) {
        for (AsyncCopies.Copy copy : copies) {
            warp.context.shared().copyArrived(step, warp, lane, copy);
        }
    }

    private interface LaneAction {
        void run(int lane);
    }

    private static void forLanes(int mask, LaneAction action) {
        for (int m = mask; m != 0; m &= m - 1) {
            action.run(Integer.numberOfTrailingZeros(m));
        }
    }

    /** The addresses of a memory operand. */
    record Addresses(int base, long baseMask, long offset) {
        static Addresses of(Decoding d, int operand) {
            return new Addresses(d.base(operand), d.baseMask(operand), d.offset(operand));
        }

        /** Into the warp's scratch. */
        void fill(Warp warp, int mask) {
            long[] registers = warp.registers[base];
            for (int m = mask; m != 0; m &= m - 1) {
                int lane = Integer.numberOfTrailingZeros(m);
                warp.addresses[lane] = (registers[lane] & baseMask) + offset;
            }
        }
    }
}
