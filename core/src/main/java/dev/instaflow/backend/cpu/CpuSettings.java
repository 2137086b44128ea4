package dev.instaflow.backend.cpu;

/**
 * Settings of the CPU backend.
 *
 * @param threads threads that share the work of one operation; 0 stands for all processors
 */
public record CpuSettings(int threads) {
    /** One thread for each processor that the JVM may use. */
    public static final CpuSettings AUTOMATIC = new CpuSettings(0);

    /** Checks the thread count. */
    public CpuSettings {
        if (threads < 0 || threads > 4096) {
            throw new IllegalArgumentException("CPU backend with " + threads + " threads");
        }
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
