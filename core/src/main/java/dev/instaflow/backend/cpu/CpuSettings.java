package dev.instaflow.backend.cpu;

import dev.instaflow.backend.WeightStorage;

/**
 * Settings of the CPU backend.
 *
 * @param threads threads that share the work of one operation; 0 stands for all processors
 * @param weights how weights are kept
 */
public record CpuSettings(int threads, WeightStorage weights) {
    /** One thread for each processor that the JVM may use. */
    public static final CpuSettings AUTOMATIC = new CpuSettings(0);

    /** One thread for each processor, weights that have gradients. */
    public static final CpuSettings TRAINING = new CpuSettings(0, WeightStorage.TRAINABLE);

    private static final int MOST_THREADS = 4096;

    /** Checks the thread count. */
    public CpuSettings {
        if (threads < 0 || threads > MOST_THREADS) {
            throw new IllegalArgumentException(
                    "CPU backend with %d threads; expected 0 (all processors) to %d"
                            .formatted(threads, MOST_THREADS));
        }
    }

    /**
     * Weights kept packed.
     *
     * @param threads threads that share the work of one operation; 0 stands for all processors
     */
    public CpuSettings(int threads) {
        this(threads, WeightStorage.PACKED);
    }

    /**
     * The thread count after 0 has been resolved.
     *
     * @return at least 1
     */
    public int resolvedThreads() {
        return threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    }
}
