package dev.instaflow.ptx.run;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The global memory of an emulated device: allocations at 64-bit addresses, each a byte buffer, on the
 * heap or native. Every byte knows whether it was written.
 * <p>Addresses of {@link #allocate} are never used twice and lie apart, so that a stray access meets no
 * neighbour and a stale pointer is recognised; {@link #map} takes addresses and bytes from the caller.
 * Thread-safe; contents are guarded no more than those of a real device: copies and launches that touch
 * the same bytes at the same time give either result.
 */
public final class EmulatedMemory {
    /** Above the windows of shared and local memory, below where operating systems map native memory. */
    private static final long FIRST_ADDRESS = 0x1000_0000_0000L;

    /** As cudaMalloc aligns. */
    private static final long ALIGN = 256;

    /** Wider than the stride of one row too many of most kernels. */
    private static final long GAP = 1 << 20;

    /** A power of two. */
    private static final int LOCKS = 256;

    private static final ByteBuffer NONE = ByteBuffer.allocate(0);

    /** What the bytes of mapped memory count as. */
    public enum Contents {
        UNWRITTEN,
        WRITTEN
    }

    static final class Allocation {
        /** Holds nothing. */
        static final Allocation NOWHERE = new Allocation(0, ByteBuffer.allocate(0), true);

        final long base;
        final int size;
        final boolean readOnly;
        ByteBuffer data;
        byte[] written;

        /** The size, 0 once freed. */
        int liveSize;

        private Allocation(long base, ByteBuffer data, boolean readOnly) {
            this.base = base;
            this.size = data.capacity();
            this.liveSize = size;
            this.readOnly = readOnly;
            this.data = data;
            this.written = new byte[size];
        }

        boolean isFreed() {
            return liveSize < size;
        }

        boolean contains(long address, long bytes) {
            long offset = address - base;
            return offset >= 0 && bytes <= size - offset;
        }

        private void mark(int at, int count) {
            Arrays.fill(written, at, at + count, (byte) 1);
        }
    }

    private final NavigableMap<Long, Allocation> allocations = new ConcurrentSkipListMap<>();
    private final AtomicLong next = new AtomicLong(FIRST_ADDRESS);
    private final AtomicLong liveBytes = new AtomicLong();
    private final Object[] locks = new Object[LOCKS];

    public EmulatedMemory() {
        Arrays.setAll(locks, i -> new Object());
    }

    /** The lock of an atomic access; accesses that overlap have the same. */
    Object lock(long address) {
        return locks[(int) (address >>> 3) & LOCKS - 1];
    }

    /**
     * Reserves bytes on the heap that count as not written.
     *
     * @param bytes 1 to 2^31 - 65
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
        long address = next.getAndAdd((bytes + GAP + ALIGN - 1) / ALIGN * ALIGN);
        ByteBuffer data = ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
        Allocation allocation = new Allocation(address, data, readOnly);
        allocations.put(address, allocation);
        liveBytes.addAndGet(bytes);
        return allocation;
    }

    /**
     * Makes the caller's bytes global memory at an address that the caller chooses, usually that of native
     * memory. They must stay valid until {@link #free}; launches and the host see each other's stores.
     *
     * @param address of the first byte, a multiple of 16, outside the first 16 GiB, which generic addresses
     *     of shared and local memory use; may be one that was freed
     * @param bytes all of the buffer, whatever its position and limit
     * @throws IllegalArgumentException if a live allocation overlaps
     */
    public synchronized void map(long address, ByteBuffer bytes, Contents contents) {
        int size = bytes.capacity();
        if (size < 1 || (address & 15) != 0 || address < MemoryUnit.FIRST_GLOBAL) {
            throw new IllegalArgumentException(
                    String.format(
                                    "map of %d bytes at 0x%x: expected at least 1 byte",
                                    size, address)
                            + " at a multiple of 16 from "
                            + String.format("0x%x", MemoryUnit.FIRST_GLOBAL));
        }
        forgetFreed(address, size);
        ByteBuffer data = bytes.duplicate().clear().order(ByteOrder.LITTLE_ENDIAN);
        Allocation allocation = new Allocation(address, data, false);
        if (contents == Contents.WRITTEN) {
            allocation.mark(0, size);
        }
        allocations.put(address, allocation);
        liveBytes.addAndGet(size);
    }

    /** Addresses that are mapped anew are no longer known as freed. */
    private void forgetFreed(long address, int size) {
        Allocation before = find(address);
        if (before != null && before.contains(address, 1)) {
            requireFreed(before, address, size);
        }
        for (Allocation inside : allocations.subMap(address, address + size).values()) {
            requireFreed(inside, address, size);
        }
    }

    private void requireFreed(Allocation old, long address, int size) {
        if (!old.isFreed()) {
            throw new IllegalArgumentException(
                    String.format("map of %d bytes at 0x%x overlaps ", size, address)
                            + describe(old.base));
        }
        allocations.remove(old.base);
    }

    /**
     * Gives an allocation back; its addresses stay known as freed. No launch may use it any more.
     *
     * @throws IllegalArgumentException if the address is not the start of a live allocation
     */
    public synchronized void free(long address) {
        Allocation allocation = allocations.get(address);
        if (allocation == null || allocation.isFreed()) {
            throw new IllegalArgumentException(
                    String.format("free of 0x%x, which is no live allocation", address));
        }
        liveBytes.addAndGet(-allocation.size);
        allocation.liveSize = 0;
        allocation.data = NONE;
        allocation.written = new byte[0];
    }

    /** Bytes allocated or mapped, and not freed. */
    public long liveBytes() {
        return liveBytes.get();
    }

    /** Copies bytes in from the host and marks them written. */
    public void write(long address, byte[] bytes) {
        write(address, ByteBuffer.wrap(bytes));
    }

    /** Copies what remains of a buffer in from the host and marks it written; its position moves to the limit. */
    public void write(long address, ByteBuffer source) {
        int count = source.remaining();
        Allocation allocation = require(address, count, "write");
        int at = (int) (address - allocation.base);
        allocation.data.duplicate().position(at).put(source);
        allocation.mark(at, count);
    }

    /** Sets bytes from the host and marks them written. */
    public void fill(long address, int count, byte value) {
        Allocation allocation = require(address, count, "fill");
        int at = (int) (address - allocation.base);
        for (int i = at; i < at + count; i++) {
            allocation.data.put(i, value);
        }
        allocation.mark(at, count);
    }

    /** Copies bytes out to the host, whether they were written or not. */
    public byte[] read(long address, int count) {
        byte[] bytes = new byte[count];
        read(address, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /** Fills what remains of a buffer, whether the bytes were written or not; its position moves to the limit. */
    public void read(long address, ByteBuffer target) {
        int count = target.remaining();
        Allocation allocation = require(address, count, "read");
        int at = (int) (address - allocation.base);
        target.put(allocation.data.duplicate().position(at).limit(at + count));
    }

    /** Copies within the device; a byte that was not written stays one. The ranges may overlap. */
    public void copy(long to, long from, int count) {
        Allocation source = require(from, count, "copy from");
        Allocation target = require(to, count, "copy to");
        int in = (int) (from - source.base);
        int out = (int) (to - target.base);
        target.data.put(out, source.data, in, count);
        System.arraycopy(source.written, in, target.written, out, count);
    }

    /**
     * The bytes themselves, little-endian, for host code that stands in for a kernel. Stores into the view
     * mark nothing: see {@link #markWritten}.
     */
    public ByteBuffer view(long address, int count) {
        Allocation allocation = require(address, count, "view");
        int at = (int) (address - allocation.base);
        return allocation.data.slice(at, count).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Notes that the host wrote these bytes through a view. */
    public void markWritten(long address, int count) {
        Allocation allocation = require(address, count, "mark");
        allocation.mark((int) (address - allocation.base), count);
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
        Map.Entry<Long, Allocation> entry = allocations.floorEntry(address);
        return entry == null ? null : entry.getValue();
    }

    /** All that is not freed, by address. */
    List<Allocation> live() {
        return allocations.values().stream().filter(a -> !a.isFreed()).toList();
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
