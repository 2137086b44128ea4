package dev.instaflow.ptx.run;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * The global memory of an emulated device. Addresses are never used twice and allocations lie apart,
 * so that a stray access meets no neighbour and a stale pointer is recognised; every byte knows
 * whether it was written. Not thread-safe.
 */
public final class EmulatedMemory {
    /** Far above the windows of shared and local memory and below the sign bit. */
    private static final long FIRST_ADDRESS = 0x7f00_0000_0000L;

    /** As cudaMalloc aligns. */
    private static final long ALIGN = 256;

    /** Wider than the stride of one row too many of most kernels. */
    private static final long GAP = 1 << 20;

    static final class Allocation {
        final long base;
        final int size;
        final boolean readOnly;
        byte[] data;
        byte[] written;

        private Allocation(long base, int size, boolean readOnly) {
            this.base = base;
            this.size = size;
            this.readOnly = readOnly;
            this.data = new byte[size];
            this.written = new byte[size];
        }

        boolean isFreed() {
            return data.length < size;
        }

        boolean contains(long address, int bytes) {
            long offset = address - base;
            return offset >= 0 && offset + bytes <= size;
        }
    }

    private final TreeMap<Long, Allocation> allocations = new TreeMap<>();
    private long next = FIRST_ADDRESS;
    private long liveBytes;
    private Allocation last = new Allocation(0, 0, true);

    /**
     * Reserves bytes that count as not written.
     *
     * @param bytes 1 to 2^31 - 64
     * @return the address, a multiple of 256
     */
    public long allocate(long bytes) {
        return add(bytes, false).base;
    }

    Allocation add(long bytes, boolean readOnly) {
        if (bytes < 1 || bytes > Integer.MAX_VALUE - 64) {
            throw new IllegalArgumentException(
                    "allocation of " + bytes + " bytes: expected 1 to 2147483583");
        }
        Allocation allocation = new Allocation(next, (int) bytes, readOnly);
        allocations.put(next, allocation);
        next += (bytes + GAP + ALIGN - 1) / ALIGN * ALIGN;
        liveBytes += bytes;
        return allocation;
    }

    /**
     * Gives an allocation back; its addresses stay known as freed.
     *
     * @throws IllegalArgumentException if the address is not the start of a live allocation
     */
    public void free(long address) {
        Allocation allocation = allocations.get(address);
        if (allocation == null || allocation.isFreed()) {
            throw new IllegalArgumentException(
                    String.format("free of 0x%x, which is no live allocation", address));
        }
        liveBytes -= allocation.size;
        allocation.data = new byte[0];
        allocation.written = new byte[0];
    }

    /** Bytes allocated and not freed. */
    public long liveBytes() {
        return liveBytes;
    }

    /** Copies bytes in from the host and marks them written. */
    public void write(long address, byte[] bytes) {
        Allocation allocation = require(address, bytes.length, "write");
        int at = (int) (address - allocation.base);
        System.arraycopy(bytes, 0, allocation.data, at, bytes.length);
        Arrays.fill(allocation.written, at, at + bytes.length, (byte) 1);
    }

    /** Sets bytes from the host and marks them written. */
    public void fill(long address, int count, byte value) {
        Allocation allocation = require(address, count, "fill");
        int at = (int) (address - allocation.base);
        Arrays.fill(allocation.data, at, at + count, value);
        Arrays.fill(allocation.written, at, at + count, (byte) 1);
    }

    /** Copies bytes out to the host, whether they were written or not. */
    public byte[] read(long address, int count) {
        Allocation allocation = require(address, count, "read");
        int at = (int) (address - allocation.base);
        return Arrays.copyOfRange(allocation.data, at, at + count);
    }

    /** Whether every byte of a range was written, by the host or by a kernel. */
    public boolean isWritten(long address, int count) {
        Allocation allocation = require(address, count, "query");
        return Bytes.allOne(allocation.written, (int) (address - allocation.base), count);
    }

    private Allocation require(long address, int bytes, String what) {
        Allocation allocation = find(address);
        if (allocation == null || allocation.isFreed() || !allocation.contains(address, bytes)) {
            throw new IllegalArgumentException(
                    String.format("%s of %d bytes at 0x%x: ", what, bytes, address)
                            + describe(address));
        }
        return allocation;
    }

    /** The allocation that holds or precedes an address, or null. */
    Allocation find(long address) {
        if (last.contains(address, 1)) {
            return last;
        }
        Map.Entry<Long, Allocation> entry = allocations.floorEntry(address);
        if (entry == null) {
            return null;
        }
        last = entry.getValue();
        return last;
    }

    /** Where an address lies, in words. */
    String describe(long address) {
        Allocation allocation = find(address);
        if (allocation == null) {
            return String.format("0x%x lies before every allocation", address);
        }
        long offset = address - allocation.base;
        String place =
                offset < allocation.size
                        ? "byte " + offset + " of"
                        : (offset - allocation.size) + " bytes past the end of";
        return String.format(
                "0x%x is %s the %s%d-byte allocation at 0x%x",
                address,
                place,
                allocation.isFreed() ? "freed " : "",
                allocation.size,
                allocation.base);
    }
}
