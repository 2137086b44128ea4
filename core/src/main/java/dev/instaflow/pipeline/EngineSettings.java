package dev.instaflow.pipeline;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.Device;
import dev.instaflow.checkpoint.layout.WeightSet;
import java.util.OptionalLong;

/**
 * How an engine runs.
 *
 * @param device where it computes
 * @param weights the plain weights of a checkpoint or their moving average
 * @param memoryBytes most memory to use for weights and activations, larger images are decoded in tiles; empty for
 *     three quarters of what the device has
 * @param memory which weights stay in memory
 */
public record EngineSettings(
        Device device, WeightSet weights, OptionalLong memoryBytes, MemoryMode memory) {
    private static final double SHARE_OF_MEMORY = 0.75;

    /** Checks the memory. */
    public EngineSettings {
        if (memoryBytes.isPresent() && memoryBytes.getAsLong() < 1) {
            throw new IllegalArgumentException(
                    "an engine with " + memoryBytes.getAsLong() + " bytes of memory");
        }
    }

    /**
     * The device that {@link Device#auto()} chooses, plain weights, three quarters of its memory, all networks
     * resident.
     *
     * @return the settings
     */
    public static EngineSettings defaults() {
        return on(Device.auto());
    }

    /**
     * A chosen device, plain weights, three quarters of its memory (on the CPU the machine's or container's), all
     * networks resident.
     *
     * @param device where to compute
     * @return the settings
     */
    public static EngineSettings on(Device device) {
        return new EngineSettings(
                device, WeightSet.PLAIN, OptionalLong.empty(), MemoryMode.RESIDENT);
    }

    /** Most memory to use on a backend. */
    long memoryBytesOn(Backend backend) {
        return memoryBytes.orElseGet(() -> (long) (backend.memoryBytes() * SHARE_OF_MEMORY));
    }

    /**
     * Another device.
     *
     * @param other where to compute
     * @return a changed copy
     */
    public EngineSettings withDevice(Device other) {
        return new EngineSettings(other, weights, memoryBytes, memory);
    }

    /**
     * Other weights.
     *
     * @param choice plain or averaged
     * @return a changed copy
     */
    public EngineSettings withWeights(WeightSet choice) {
        return new EngineSettings(device, choice, memoryBytes, memory);
    }

    /**
     * Another limit.
     *
     * @param bytes most memory to use
     * @return a changed copy
     */
    public EngineSettings withMemoryBytes(long bytes) {
        return new EngineSettings(device, weights, OptionalLong.of(bytes), memory);
    }

    /**
     * Another memory mode.
     *
     * @param mode which weights stay in memory
     * @return a changed copy
     */
    public EngineSettings withMemory(MemoryMode mode) {
        return new EngineSettings(device, weights, memoryBytes, mode);
    }
}
