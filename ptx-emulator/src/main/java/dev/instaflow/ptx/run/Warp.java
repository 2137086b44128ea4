package dev.instaflow.ptx.run;

import dev.instaflow.ptx.SpecialRegisters;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * State of 32 threads in lockstep. A register holds raw bits, of which the instruction that reads
 * it takes as many as its type has; predicates are masks with a bit a lane.
 */
final class Warp {
    static final int LANES = 32;

    final LaunchContext context;
    final int index;

    /** [register][lane]: the function's own, then special ones, then constants. */
    final long[][] registers;

    final int[] predicates;

    /** Scratch for the addresses of an access. */
    final long[] addresses = new long[LANES];

    final AsyncCopies copies;

    /** [lane][byte], local memory. */
    final ByteBuffer localBuffer;

    final byte[] localWritten;

    /** Shared memory of the block, the parameter block and the last allocations, for compiled code. */
    final int[] sharedWords;

    final int sharedBytes;
    final EmulatedMemory.Allocation[] lastFound;
    final ByteBuffer parameterBuffer;

    /** Counts the points at which the lanes of this warp see each other's stores. */
    int syncEpoch;

    /** Lanes that have not exited. */
    int live;

    /** Groups of lanes at the same instruction. */
    int groupCount;

    final int[] groupPc = new int[2 * LANES];
    final int[] groupMask = new int[2 * LANES];
    final boolean[] groupWaits = new boolean[2 * LANES];

    /** Number of the barrier waited at, or -1. */
    int barrier;

    /** Threads that this barrier waits for, 0 for all. */
    int barrierCount;

    Step barrierStep;

    /** What a barrier that reduces is to do with this warp's lanes once all have met. */
    BarrierReduction reduction = BarrierReduction.NONE;

    /** A bit a lane: the carry flag of the extended-precision instructions. */
    int carry;

    private final int specialBase;
    private Dim3 blockIndex = new Dim3(0, 0, 0);

    Warp(LaunchContext context, int index) {
        KernelCode code = context.code();
        this.context = context;
        this.index = index;
        this.registers = new long[code.registerCount()][];
        this.predicates = new int[code.registerCount()];
        this.specialBase = code.specialBase();
        for (int i = 0; i < code.constantBase(); i++) {
            registers[i] = new long[LANES];
        }
        for (int i = code.constantBase(); i < registers.length; i++) {
            registers[i] = code.constant(i);
        }
        byte[] local = new byte[LANES * code.localBytes()];
        this.localBuffer = ByteBuffer.wrap(local).order(ByteOrder.LITTLE_ENDIAN);
        this.localWritten = new byte[local.length];
        this.sharedWords = context.shared().words;
        this.sharedBytes = context.shared().size();
        this.lastFound = context.lastFound();
        this.parameterBuffer = context.parameters();
        this.copies = new AsyncCopies();
        fillThreadRegisters(context.block(), context.grid());
    }

    private void fillThreadRegisters(Dim3 block, Dim3 grid) {
        for (int lane = 0; lane < LANES; lane++) {
            int thread = index * LANES + lane;
            int plane = block.x() * block.y();
            long[] values = {
                thread % block.x(),
                thread / block.x() % block.y(),
                thread / plane,
                block.x(),
                block.y(),
                block.z(),
                0,
                0,
                0,
                grid.x(),
                grid.y(),
                grid.z(),
                lane,
                index,
                1L << lane,
                (2L << lane) - 1,
                (1L << lane) - 1,
                0xffffffffL & -(1L << lane),
                0xffffffffL & -(2L << lane),
                (block.count() + LANES - 1) / LANES,
                0,
                1,
                0,
                sharedBytes - context.code().staticSharedBytes(),
                sharedBytes,
                LANES
            };
            assert values.length == SpecialRegisters.names().size();
            for (int i = 0; i < values.length; i++) {
                registers[specialBase + i][lane] = values[i];
            }
        }
    }

    /** Makes this the warp of a block that has not begun. */
    void start(Dim3 block, int threadsInBlock) {
        blockIndex = block;
        int ctaid = specialBase + SpecialRegisters.names().indexOf("%ctaid.x");
        Arrays.fill(registers[ctaid], block.x());
        Arrays.fill(registers[ctaid + 1], block.y());
        Arrays.fill(registers[ctaid + 2], block.z());
        int count = Math.min(LANES, threadsInBlock - index * LANES);
        live = count == LANES ? -1 : (1 << count) - 1;
        groupCount = 1;
        groupPc[0] = 0;
        groupMask[0] = live;
        groupWaits[0] = false;
        barrier = -1;
        Arrays.fill(localWritten, (byte) 0);
        copies.clear();
    }

    boolean isDone() {
        return groupCount == 0;
    }

    Dim3 blockIndex() {
        return blockIndex;
    }

    /** Linear index in the block. */
    int thread(int lane) {
        return index * LANES + lane;
    }

    void setPredicate(int register, int mask, int values) {
        predicates[register] = predicates[register] & ~mask | values & mask;
    }
}
