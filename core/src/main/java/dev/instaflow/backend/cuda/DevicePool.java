package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.backend.Bytes;
import dev.instaflow.backend.OutOfDeviceMemoryException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/**
 * Device memory that is kept for reuse, in slabs of which ranges are handed out. As one stream does all the work, a range
 * that comes back may be handed out at once: whoever gets it comes later in the stream. Thread-safe.
 */
final class DevicePool {
    /** What cuMemAlloc itself guarantees, and what the widest loads of any library need. */
    static final long ALIGNMENT = 256;

    /** What is asked of the driver at once for many small tensors. */
    static final long SLAB = 32L << 20;

    /** What memory is for; slabs serve one purpose, so that they can go back when it has ended. */
    enum Purpose {
        /** Comes and goes with scopes. */
        ACTIVATIONS,
        /** Stays as long as a model. */
        WEIGHTS,
        /**
         * Results and scratch of recorded programs: their operations have its addresses. All of them share it, since
         * one runs after the other and what it leaves is copied out.
         */
        RECORDINGS,
        /** Inputs of recorded programs: copied once, they have to outlast what other programs leave in theirs. */
        RECORDED_INPUTS
    }

    private record Slab(Purpose purpose, DevicePointer memory, long bytes) {}

    private final CudaContext context;
    private final long slabBytes;
    private final Map<Arena, Slab> slabs = new IdentityHashMap<>();
    private final Map<Purpose, List<Arena>> arenas = new EnumMap<>(Purpose.class);
    private Purpose passing = Purpose.ACTIVATIONS;
    private Runnable reclaim = () -> {};

    /**
     * @param slabBytes least size of a slab
     */
    DevicePool(CudaContext context, long slabBytes) {
        this.context = context;
        this.slabBytes = slabBytes;
        Arrays.stream(Purpose.values()).forEach(each -> arenas.put(each, new ArrayList<>()));
    }

    /** What gives memory back that can be had again later; called before an allocation is refused. */
    void reclaimBy(Runnable how) {
        reclaim = how;
    }

    /** What {@link #take(long, Object)} takes from now on; what it took from before. */
    Purpose passing(Purpose purpose) {
        return context.exclusively(
                () -> {
                    Purpose before = passing;
                    passing = purpose;
                    return before;
                });
    }

    /** What {@link #take(long, Object)} takes from. */
    Purpose passing() {
        return context.exclusively(() -> passing);
    }

    /** Memory for a result or for scratch, its contents undefined; {@code what} names it in an error. */
    Arena.Range take(long bytes, Object what) {
        return context.exclusively(() -> take(passing, bytes, what));
    }

    /** Memory for a purpose. */
    Arena.Range take(Purpose purpose, long bytes, Object what) {
        return context.exclusively(() -> find(purpose, Math.max(1, bytes), what));
    }

    private Arena.Range find(Purpose purpose, long bytes, Object what) {
        for (Arena arena : arenas.get(purpose)) {
            Arena.Range range = arena.take(bytes);
            if (range != null) {
                return range;
            }
        }
        return grow(purpose, bytes, what).take(bytes);
    }

    private Arena grow(Purpose purpose, long bytes, Object what) {
        long exact = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        long wanted = Math.max(exact, slabBytes);
        DevicePointer memory = new DevicePointer();
        int status = allocate(memory, wanted);
        if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY && passing == Purpose.ACTIVATIONS) {
            reclaim.run();
            releaseIdle();
            status = allocate(memory, exact);
            wanted = exact;
        }
        if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
            throw outOfMemory(bytes, what);
        }
        context.check("cuMemAlloc", what, status);
        Arena arena = new Arena(memory.address(), wanted, ALIGNMENT);
        slabs.put(arena, new Slab(purpose, memory, wanted));
        arenas.get(purpose).add(arena);
        return arena;
    }

    private int allocate(DevicePointer memory, long bytes) {
        return context.status(() -> JCudaDriver.cuMemAlloc(memory, bytes));
    }

    private OutOfDeviceMemoryException outOfMemory(long bytes, Object what) {
        CudaContext.Memory device = context.memory(what);
        return new OutOfDeviceMemoryException(
                "%s: cannot allocate %s for %s; %s held by this backend, %s of %s free; make a smaller image or batch"
                        .formatted(
                                context.name(),
                                Bytes.text(bytes),
                                what,
                                Bytes.text(heldBytes()),
                                Bytes.text(device.freeBytes()),
                                Bytes.text(device.totalBytes())));
    }

    /** Takes memory back. */
    void give(Arena.Range range) {
        context.exclusively(
                () -> {
                    range.arena().give(range);
                    return range;
                });
    }

    /** Bytes that were got from the driver. */
    long heldBytes() {
        return context.exclusively(
                () -> slabs.values().stream().mapToLong(slab -> slab.bytes).sum());
    }

    /** Of {@link #heldBytes} what is handed out, but for recordings: those give way to whoever needs it. */
    long usedBytes() {
        return context.exclusively(
                () ->
                        Stream.of(Purpose.ACTIVATIONS, Purpose.WEIGHTS)
                                .flatMap(purpose -> arenas.get(purpose).stream())
                                .mapToLong(Arena::takenBytes)
                                .sum());
    }

    /**
     * Gives slabs of which nothing is in use, by recorded programs neither, back to the driver, unless it takes nothing any
     * more.
     */
    void releaseIdle() {
        context.exclusively(
                () -> {
                    List<Arena> idle = context.isWorking() ? idle() : List.of();
                    if (!idle.isEmpty()) {
                        context.synchronize("memory that is given back");
                        idle.forEach(this::free);
                    }
                    return idle;
                });
    }

    private List<Arena> idle() {
        boolean played = isTaken(Purpose.RECORDED_INPUTS) || isTaken(Purpose.RECORDINGS);
        return slabs.entrySet().stream()
                // While there is a recorded program, scratch that nobody holds is written to by it.
                .filter(slab -> !(played && slab.getValue().purpose == Purpose.RECORDINGS))
                .map(Map.Entry::getKey)
                .filter(Arena::isIdle)
                .toList();
    }

    private boolean isTaken(Purpose purpose) {
        return !arenas.get(purpose).stream().allMatch(Arena::isIdle);
    }

    private void free(Arena arena) {
        Slab slab = slabs.remove(arena);
        arenas.get(slab.purpose).remove(arena);
        context.call("cuMemFree", "idle memory", () -> JCudaDriver.cuMemFree(slab.memory));
    }

    /** Gives everything back, as far as the driver still takes it. */
    void close() {
        slabs.values().forEach(slab -> context.release(() -> JCudaDriver.cuMemFree(slab.memory)));
        slabs.clear();
        arenas.values().forEach(List::clear);
    }
}
