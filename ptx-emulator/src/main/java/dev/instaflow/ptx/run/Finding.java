package dev.instaflow.ptx.run;

/**
 * Something that a kernel did wrong.
 *
 * @param kind what
 * @param line PTX line
 * @param block index of the block in which it was seen first
 * @param thread linear index in the block of the thread that did it first
 * @param count how often it was seen at this line
 * @param message in words, the first occurrence
 */
public record Finding(Kind kind, int line, Dim3 block, int thread, long count, String message) {
    /** The checks. Those that say "ends the launch" leave memory as it was at that moment. */
    public enum Kind {
        /** An address in no allocation, shared or local memory; ends the launch. */
        OUT_OF_BOUNDS,
        /** An address that is no multiple of the access size; ends the launch. */
        MISALIGNED,
        /** An address in an allocation that was freed; ends the launch. */
        USE_AFTER_FREE,
        /** A store to constant memory; ends the launch. */
        READ_ONLY_WRITE,
        /** A byte read that nothing has written. */
        UNINITIALISED_READ,
        /** Two threads touch a byte of shared memory without a barrier between, one of them writing. */
        SHARED_RACE,
        /** Shared memory touched while a cp.async to it may still be under way. */
        ASYNC_COPY_IN_FLIGHT,
        /** Threads that miss a barrier; ends the launch if they wait for each other for ever. */
        DIVERGENT_BARRIER,
        /** Lanes missing at a warp-wide instruction; ends the launch unless only a value is lost. */
        DIVERGENT_WARP,
        /** {@code trap} was executed; ends the launch. */
        TRAP,
        /** More instructions than the launch allows, probably an endless loop; ends the launch. */
        INSTRUCTION_LIMIT
    }

    @Override
    public String toString() {
        String times = count == 1 ? "" : " (" + count + " times)";
        return "line "
                + line
                + ": "
                + kind
                + times
                + ": "
                + message
                + ", block "
                + block
                + " thread "
                + thread;
    }
}
