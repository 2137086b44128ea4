package dev.instaflow.backend.cpu;

import dev.instaflow.backend.Arena;
import dev.instaflow.backend.Bytes;
import dev.instaflow.backend.OutOfDeviceMemoryException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import org.bytedeco.javacpp.Pointer;

/**
 * Native memory that is kept for reuse: a run that repeats asks the system for nothing. Large blocks are
 * ranges of an {@link Arena}; small ones are kept by size class, eight classes to a power of two. Weights lie
 * in arenas of their own, which go back to the system with the last weight in them. Thread-safe.
 */
final class MemoryPool implements AutoCloseable {
    /** A cache line and the widest vector register; oneDNN asks for it. */
    static final long ALIGNMENT = 64;

    /** Blocks from this size on come from an arena. */
    static final long LARGE = 1L << 20;

    /**
     * Weights ask the system for this much at a time. The C library maps anything above 32 MiB by itself and
     * unmaps it at once; smaller pieces end up between others in its heap, where 1.6 GB were seen to stay
     * after the weights had been freed.
     */
    static final long WEIGHTS = 64L << 20;

    /** More is not asked of the system even where it would promise it. */
    private static final long LARGEST = 1L << 46;

    /** Whoever needs this much at once asks first whether the machine still has it. */
    private static final long CHECKED = 64L << 20;

    private static final int STEPS_LOG2 = 3;
    private static final int SMALLEST_LOG2 = 8;
    private static final int CLASSES = sizeClass(LARGE) + 1;

    /** A piece of native memory, in use by one owner or idle. */
    static final class Block {
        private final long base;
        private final long bytes;
        private final int sizeClass;
        private final Arena.Range range;
        private Block next;

        private Block(long base, long bytes, int sizeClass) {
            this.base = base;
            this.bytes = bytes;
            this.sizeClass = sizeClass;
            this.range = null;
        }

        private Block(Arena.Range range) {
            this.base = range.address();
            this.bytes = 0;
            this.sizeClass = -1;
            this.range = range;
        }

        /** The address of the first byte, a multiple of {@link #ALIGNMENT}. */
        long address() {
            return aligned(base);
        }
    }

    private final Block[] idle = new Block[CLASSES];
    private final List<Arena> arenas = new ArrayList<>();
    private final List<Block> arenaMemory = new ArrayList<>();
    private final Map<Arena, Block> weightArenas = new LinkedHashMap<>();
    private final NativeAddress freeing = new NativeAddress();
    private long blockBytes;
    private long systemCalls;

    /** A block of at least {@code bytes}, its contents undefined; {@code what} names it in an error. */
    synchronized Block take(long bytes, Object what) {
        if (bytes >= LARGE) {
            return new Block(takeRange(bytes, what));
        }
        int sizeClass = sizeClass(bytes);
        Block block = idle[sizeClass];
        if (block == null) {
            return allocate(classBytes(sizeClass), sizeClass, what);
        }
        idle[sizeClass] = block.next;
        return block;
    }

    /** A block for a weight: together with the other weights, apart from what comes and goes. */
    synchronized Block takeWeight(long bytes, Object what) {
        for (Arena arena : weightArenas.keySet()) {
            Arena.Range range = arena.take(bytes);
            if (range != null) {
                return new Block(range);
            }
        }
        long size = Math.max(bytes, WEIGHTS);
        if (bytes > LARGEST || lacks(size)) {
            throw outOfMemory(bytes, what);
        }
        Pointer memory = Pointer.malloc(size + 2 * ALIGNMENT);
        if (memory == null) {
            throw outOfMemory(bytes, what);
        }
        systemCalls++;
        Block block = new Block(memory.address(), size, -1);
        Arena arena = new Arena(block.address(), size + ALIGNMENT, ALIGNMENT);
        weightArenas.put(arena, block);
        return new Block(arena.take(bytes));
    }

    /** A block that something fills; given back if that fails. */
    Block filled(long bytes, Object what, LongConsumer fill) {
        Block block = take(bytes, what);
        boolean done = false;
        try {
            fill.accept(block.address());
            done = true;
            return block;
        } finally {
            if (!done) {
                give(block);
            }
        }
    }

    /** Gives a block back. */
    synchronized void give(Block block) {
        if (block.range != null) {
            Arena arena = block.range.arena();
            arena.give(block.range);
            if (arena.isIdle() && weightArenas.containsKey(arena)) {
                Pointer.free(freeing.at(weightArenas.remove(arena).base));
            }
        } else {
            block.next = idle[block.sizeClass];
            idle[block.sizeClass] = block;
        }
    }

    private Arena.Range takeRange(long bytes, Object what) {
        for (Arena arena : arenas) {
            long used = arena.usedBytes();
            Arena.Range range = arena.take(bytes);
            if (range != null) {
                if (lacks(arena.usedBytes() - used)) {
                    arena.undo(range, used);
                    throw outOfMemory(bytes, what);
                }
                return range;
            }
        }
        if (bytes > LARGEST || lacks(bytes)) {
            throw outOfMemory(bytes, what);
        }
        arenas.add(reserve(bytes, what));
        return arenas.get(arenas.size() - 1).take(bytes);
    }

    /** Address space of half the machine's memory, or as near to that as the system allows. */
    private Arena reserve(long atLeast, Object what) {
        long bytes = Math.max(atLeast + ALIGNMENT, Pointer.totalPhysicalBytes() / 2);
        Pointer memory = Pointer.malloc(bytes + ALIGNMENT);
        while (memory == null && bytes / 2 >= atLeast + ALIGNMENT) {
            bytes /= 2;
            memory = Pointer.malloc(bytes + ALIGNMENT);
        }
        if (memory == null) {
            throw outOfMemory(atLeast, what);
        }
        systemCalls++;
        Block block = new Block(memory.address(), bytes, -1);
        arenaMemory.add(block);
        return new Arena(block.address(), bytes, ALIGNMENT);
    }

    private Block allocate(long bytes, int sizeClass, Object what) {
        Pointer memory = bytes > LARGEST || lacks(bytes) ? null : Pointer.malloc(bytes + ALIGNMENT);
        if (memory == null) {
            throw outOfMemory(bytes, what);
        }
        systemCalls++;
        blockBytes += bytes;
        return new Block(memory.address(), bytes, sizeClass);
    }

    /** Better an exception here than the system's killing the process when pages are touched. */
    private static boolean lacks(long bytes) {
        return bytes >= CHECKED && bytes > Pointer.availablePhysicalBytes();
    }

    private OutOfDeviceMemoryException outOfMemory(long bytes, Object what) {
        return new OutOfDeviceMemoryException(
                "cpu: cannot allocate %s for %s; %s held by this backend, %s free"
                        .formatted(
                                Bytes.text(bytes),
                                what,
                                Bytes.text(heldBytes()),
                                Bytes.text(Pointer.availablePhysicalBytes())));
    }

    private void free(Block block) {
        blockBytes -= block.bytes;
        Pointer.free(freeing.at(block.base));
    }

    private static long aligned(long address) {
        return address + ALIGNMENT - 1 & -ALIGNMENT;
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

    /** Bytes in blocks, in use or idle, and what the arenas really occupy. */
    synchronized long heldBytes() {
        long bytes = blockBytes;
        for (Arena arena : arenas) {
            bytes += arena.usedBytes();
        }
        for (Arena arena : weightArenas.keySet()) {
            bytes += arena.usedBytes();
        }
        return bytes;
    }

    /** How often memory was asked of the system, ever. */
    synchronized long systemCalls() {
        return systemCalls;
    }

    /** Gives idle blocks and idle arenas back to the system. */
    @Override
    public void close() {
        releaseIdle();
    }

    /** Gives idle blocks and idle arenas back to the system, to be asked for again when needed. */
    synchronized void releaseIdle() {
        for (int c = 0; c < CLASSES; c++) {
            for (Block block = idle[c]; block != null; block = block.next) {
                free(block);
            }
            idle[c] = null;
        }
        for (int i = arenas.size() - 1; i >= 0; i--) {
            if (arenas.get(i).isIdle()) {
                arenas.remove(i);
                Pointer.free(freeing.at(arenaMemory.remove(i).base));
            }
        }
    }
}
