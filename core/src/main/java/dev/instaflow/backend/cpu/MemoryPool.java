package dev.instaflow.backend.cpu;

import dev.instaflow.backend.OutOfDeviceMemoryException;
import org.bytedeco.javacpp.Pointer;

/**
 * Native memory in blocks that are kept for reuse, by size class: eight classes to a power of two, so at
 * most an eighth is lost. A run that repeats finds every block it needs in the pool. Thread-safe.
 */
final class MemoryPool implements AutoCloseable {
    /** A cache line and the widest vector register; oneDNN asks for it. */
    static final long ALIGNMENT = 64;

    /**
     * Unused bytes above which a fresh allocation first gives the largest unused blocks back: what one
     * stage of a pipeline leaves behind should not stand beside what the next one needs.
     */
    private static final long IDLE_LIMIT = 1L << 30;

    /** Fresh allocations from this size on are checked against the free memory of the machine. */
    private static final long CHECKED_FROM = 64L << 20;

    private static final int STEPS_LOG2 = 3;
    private static final int SMALLEST_LOG2 = 8;
    private static final int LARGEST_LOG2 = 60;
    private static final long LARGEST = 1L << LARGEST_LOG2;
    private static final int CLASSES = (LARGEST_LOG2 - SMALLEST_LOG2 << STEPS_LOG2) + 1;

    /** A block may be handed out for a request up to this many classes below its own: a quarter. */
    private static final int CLASSES_ABOVE = 2;

    /** A piece of native memory, in use by one owner or idle. */
    static final class Block {
        private final long base;
        private final long bytes;
        private final int sizeClass;
        private Block next;

        private Block(long base, long bytes, int sizeClass) {
            this.base = base;
            this.bytes = bytes;
            this.sizeClass = sizeClass;
        }

        /** The address of the first byte, a multiple of {@link #ALIGNMENT}. */
        long address() {
            return base + ALIGNMENT - 1 & -ALIGNMENT;
        }
    }

    private final Block[] idle = new Block[CLASSES];
    private final NativeAddress freeing = new NativeAddress();
    private long heldBytes;
    private long idleBytes;
    private long freshAllocations;

    /** A block of at least {@code bytes}, its contents undefined; {@code what} names it in an error. */
    synchronized Block take(long bytes, Object what) {
        if (bytes > LARGEST) {
            throw outOfMemory(bytes, what);
        }
        int wanted = sizeClass(bytes);
        for (int c = wanted; c <= Math.min(wanted + CLASSES_ABOVE, CLASSES - 1); c++) {
            Block block = idle[c];
            if (block != null) {
                idle[c] = block.next;
                idleBytes -= block.bytes;
                return block;
            }
        }
        return allocate(classBytes(wanted), wanted, what);
    }

    /** A block of its own size outside the classes, for what lives as long as a model. */
    synchronized Block takeExact(long bytes, Object what) {
        return allocate(bytes, -1, what);
    }

    /** Gives a block back. */
    synchronized void give(Block block) {
        if (block.sizeClass < 0) {
            free(block);
            return;
        }
        block.next = idle[block.sizeClass];
        idle[block.sizeClass] = block;
        idleBytes += block.bytes;
    }

    private Block allocate(long bytes, int sizeClass, Object what) {
        trim(IDLE_LIMIT);
        if (bytes >= CHECKED_FROM && bytes > Pointer.availablePhysicalBytes()) {
            trim(0);
            if (bytes > Pointer.availablePhysicalBytes()) {
                throw outOfMemory(bytes, what);
            }
        }
        Pointer memory = Pointer.malloc(bytes + ALIGNMENT);
        if (memory == null || memory.isNull()) {
            throw outOfMemory(bytes, what);
        }
        heldBytes += bytes;
        freshAllocations++;
        return new Block(memory.address(), bytes, sizeClass);
    }

    private OutOfDeviceMemoryException outOfMemory(long bytes, Object what) {
        return new OutOfDeviceMemoryException(
                "cpu: cannot allocate %s for %s; %s held by this backend, %s free"
                        .formatted(
                                Bytes.text(bytes),
                                what,
                                Bytes.text(heldBytes),
                                Bytes.text(Pointer.availablePhysicalBytes())));
    }

    private void trim(long limit) {
        for (int c = CLASSES - 1; c >= 0 && idleBytes > limit; c--) {
            while (idle[c] != null && idleBytes > limit) {
                Block block = idle[c];
                idle[c] = block.next;
                idleBytes -= block.bytes;
                free(block);
            }
        }
    }

    private void free(Block block) {
        heldBytes -= block.bytes;
        Pointer.free(freeing.at(block.base));
    }

    /** The class whose blocks hold {@code bytes}: the smallest mantissa step at or above it. */
    static int sizeClass(long bytes) {
        long units = Math.max(bytes, 1L << SMALLEST_LOG2) - 1;
        int log2 = 63 - Long.numberOfLeadingZeros(units);
        int step = (int) (units >> log2 - STEPS_LOG2) & (1 << STEPS_LOG2) - 1;
        return (log2 - SMALLEST_LOG2 << STEPS_LOG2) + step + 1;
    }

    /** The size of a class's blocks. */
    static long classBytes(int sizeClass) {
        int log2 = (sizeClass >> STEPS_LOG2) + SMALLEST_LOG2;
        long step = sizeClass & (1 << STEPS_LOG2) - 1;
        return (1L << log2) + (step << log2 - STEPS_LOG2);
    }

    /** Bytes in blocks, in use or idle. */
    synchronized long heldBytes() {
        return heldBytes;
    }

    /** How often memory was asked of the system, ever. */
    synchronized long freshAllocations() {
        return freshAllocations;
    }

    /** Frees all idle blocks. */
    @Override
    public synchronized void close() {
        trim(0);
    }
}
