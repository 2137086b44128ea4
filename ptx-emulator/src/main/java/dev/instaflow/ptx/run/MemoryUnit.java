package dev.instaflow.ptx.run;

import dev.instaflow.ptx.StateSpace;
import dev.instaflow.ptx.run.EmulatedMemory.Allocation;
import java.nio.ByteBuffer;

/**
 * Checked access of one lane: finds the bytes behind an address and tells the sanitiser. Use: one of
 * {@link #read} or {@link #write}.
 */
final class MemoryUnit {
    /** Generic addresses of shared memory start here; 4 GiB. */
    static final long SHARED_WINDOW = 0x1_0000_0000L;

    /** Generic addresses of local memory start here; 4 GiB. */
    static final long LOCAL_WINDOW = 0x2_0000_0000L;

    /** Global addresses start here, beyond the windows; 12 GiB. */
    static final long FIRST_GLOBAL = 0x3_0000_0000L;

    private MemoryUnit() {}

    /** The space that a generic address means. */
    static StateSpace spaceOf(StateSpace space, long address) {
        if (space != StateSpace.GENERIC) {
            return space == StateSpace.CONST ? StateSpace.GLOBAL : space;
        }
        return switch ((int) (address >>> 32)) {
            case 1 -> StateSpace.SHARED;
            case 2 -> StateSpace.LOCAL;
            default -> StateSpace.GLOBAL;
        };
    }

    /**
     * Reads consecutive elements of one lane.
     *
     * @param space not generic
     * @param into [element][lane]
     */
    static void read(
            Step step,
            Warp warp,
            int lane,
            StateSpace space,
            long address,
            int elementBytes,
            long[][] into) {
        int bytes = elementBytes * into.length;
        ByteBuffer data;
        int at;
        switch (space) {
            case SHARED -> {
                SharedMemory shared = warp.context.shared();
                at = shared.locate(step, warp, lane, address, bytes);
                shared.noteRead(step, warp, lane, at, bytes);
                for (int i = 0; i < into.length; i++) {
                    into[i][lane] = shared.get(at + i * elementBytes, elementBytes);
                }
                return;
            }
            case LOCAL -> {
                at = local(step, warp, lane, address, bytes);
                data = warp.localBuffer;
                if (warp.context.isChecked() && !Bytes.allOne(warp.localWritten, at, bytes)) {
                    uninitialised(step, warp, lane, "local offset " + (address & 0xffffffffL));
                }
            }
            case PARAM -> {
                at = parameter(step, warp, lane, address, bytes);
                data = warp.context.parameters();
            }
            default -> {
                Allocation allocation = global(step, warp, lane, address, bytes);
                at = (int) (address - allocation.base);
                data = allocation.data;
                if (warp.context.isChecked() && !Bytes.allOne(allocation.written, at, bytes)) {
                    uninitialised(step, warp, lane, warp.context.memory().describe(address));
                }
            }
        }
        for (int i = 0; i < into.length; i++) {
            into[i][lane] = Bytes.get(data, at + i * elementBytes, elementBytes);
        }
    }

    /**
     * Writes consecutive elements of one lane.
     *
     * @param space not generic
     * @param from [element][lane]
     */
    static void write(
            Step step,
            Warp warp,
            int lane,
            StateSpace space,
            long address,
            int elementBytes,
            long[][] from) {
        int bytes = elementBytes * from.length;
        ByteBuffer data;
        int at;
        switch (space) {
            case SHARED -> {
                SharedMemory shared = warp.context.shared();
                at = shared.locate(step, warp, lane, address, bytes);
                for (int i = 0; i < from.length; i++) {
                    int to = at + i * elementBytes;
                    shared.noteWrite(step, warp, lane, to, elementBytes, from[i][lane]);
                    shared.put(to, elementBytes, from[i][lane]);
                }
                return;
            }
            case LOCAL -> {
                at = localForWrite(step, warp, lane, address, bytes);
                data = warp.localBuffer;
            }
            default -> {
                Allocation allocation = globalForWrite(step, warp, lane, address, bytes);
                at = (int) (address - allocation.base);
                data = allocation.data;
            }
        }
        for (int i = 0; i < from.length; i++) {
            Bytes.put(data, at + i * elementBytes, elementBytes, from[i][lane]);
        }
    }

    /** The live allocation that holds an access, which reads first. */
    static Allocation globalForUpdate(Step step, Warp warp, int lane, long address, int bytes) {
        Allocation allocation = global(step, warp, lane, address, bytes);
        int at = (int) (address - allocation.base);
        if (warp.context.isChecked() && !Bytes.allOne(allocation.written, at, bytes)) {
            uninitialised(step, warp, lane, warp.context.memory().describe(address));
        }
        return globalForWrite(step, warp, lane, address, bytes);
    }

    /** The live allocation that holds an access; marks the bytes written. */
    static Allocation globalForWrite(Step step, Warp warp, int lane, long address, int bytes) {
        Allocation allocation = global(step, warp, lane, address, bytes);
        if (allocation.readOnly) {
            throw fatal(Finding.Kind.READ_ONLY_WRITE, step, warp, lane, address, bytes);
        }
        int at = (int) (address - allocation.base);
        Bytes.setOnes(allocation.written, at, bytes);
        return allocation;
    }

    /** The live allocation that holds an access. */
    static Allocation global(Step step, Warp warp, int lane, long address, int bytes) {
        Allocation allocation = warp.context.find(step, address);
        if (allocation == null || !allocation.contains(address, bytes)) {
            throw fatal(Finding.Kind.OUT_OF_BOUNDS, step, warp, lane, address, bytes);
        }
        if (allocation.isFreed()) {
            throw fatal(Finding.Kind.USE_AFTER_FREE, step, warp, lane, address, bytes);
        }
        if ((address & (bytes - 1)) != 0) {
            throw fatal(Finding.Kind.MISALIGNED, step, warp, lane, address, bytes);
        }
        return allocation;
    }

    static void uninitialised(Step step, Warp warp, int lane, String what) {
        warp.context
                .sanitiser()
                .report(
                        Finding.Kind.UNINITIALISED_READ,
                        step,
                        warp,
                        lane,
                        what + " was never written");
    }

    private static KernelFault fatal(
            Finding.Kind kind, Step step, Warp warp, int lane, long address, int bytes) {
        String where = warp.context.memory().describe(address);
        return warp.context
                .sanitiser()
                .fatal(kind, step, warp, lane, "access of " + bytes + " bytes: " + where);
    }

    /** Offset in the warp's local memory of an access, marked as written. */
    static int localForWrite(Step step, Warp warp, int lane, long address, int bytes) {
        int at = local(step, warp, lane, address, bytes);
        Bytes.setOnes(warp.localWritten, at, bytes);
        return at;
    }

    /** Offset in the warp's local memory of an access. */
    static int local(Step step, Warp warp, int lane, long address, int bytes) {
        int each = warp.context.code().localBytes();
        int offset = within(step, warp, lane, address & 0xffffffffL, bytes, each, "local");
        return lane * each + offset;
    }

    private static int parameter(Step step, Warp warp, int lane, long address, int bytes) {
        int size = warp.context.parameters().capacity();
        return within(step, warp, lane, address, bytes, size, "parameter");
    }

    private static int within(
            Step step, Warp warp, int lane, long offset, int bytes, int size, String what) {
        if (offset < 0 || offset + bytes > size) {
            String message = bytes + " bytes at " + what + " offset " + offset + " of " + size;
            throw warp.context
                    .sanitiser()
                    .fatal(Finding.Kind.OUT_OF_BOUNDS, step, warp, lane, message);
        }
        if ((offset & (bytes - 1)) != 0) {
            String message = bytes + " bytes at " + what + " offset " + offset;
            throw warp.context
                    .sanitiser()
                    .fatal(Finding.Kind.MISALIGNED, step, warp, lane, message);
        }
        return (int) offset;
    }
}
