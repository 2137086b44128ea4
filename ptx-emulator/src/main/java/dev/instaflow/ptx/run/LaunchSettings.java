package dev.instaflow.ptx.run;

/**
 * How a launch is run.
 *
 * @param mode what is looked for
 * @param threads that run blocks side by side, 1 unless fast
 * @param maxWarpInstructions after so many in one thread the launch ends with a finding
 */
public record LaunchSettings(Mode mode, int threads, long maxWarpInstructions) {
    /** What is looked for. Results are the same bits. */
    public enum Mode {
        /** All of {@link Finding.Kind}, and counters; blocks one after another. */
        CHECKED,
        /**
         * Only what ends a launch. Nothing is counted, and uninitialised reads, races and copies in flight
         * are not seen.
         */
        FAST
    }

    /** Minutes of work: no sensible test needs more. */
    private static final long DEFAULT_BUDGET = 4_000_000_000L;

    public LaunchSettings {
        if (threads < 1 || mode == Mode.CHECKED && threads > 1) {
            throw new IllegalArgumentException(
                    threads + " threads: expected 1, or at least 1 if fast");
        }
        if (maxWarpInstructions < 1) {
            throw new IllegalArgumentException(
                    "at most " + maxWarpInstructions + " warp instructions: expected at least 1");
        }
    }

    public static LaunchSettings checked() {
        return new LaunchSettings(Mode.CHECKED, 1, DEFAULT_BUDGET);
    }

    /**
     * @param threads of the common pool that run blocks; a kernel with atomics on floating point runs on one
     *     nevertheless, so that the order of its sums, and so its result, is always the same
     */
    public static LaunchSettings fast(int threads) {
        return new LaunchSettings(Mode.FAST, threads, Long.MAX_VALUE);
    }

    public LaunchSettings withMaxWarpInstructions(long count) {
        return new LaunchSettings(mode, threads, count);
    }
}
