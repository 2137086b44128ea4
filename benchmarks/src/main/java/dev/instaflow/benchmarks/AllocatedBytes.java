package dev.instaflow.benchmarks;

import java.lang.management.ManagementFactory;

/** What Java threads have taken from the heap; of threads that have ended in between, nothing is known. */
final class AllocatedBytes {
    private AllocatedBytes() {}

    /** The sum over all threads that live now. */
    static long ofAllThreads() {
        if (ManagementFactory.getThreadMXBean()
                instanceof com.sun.management.ThreadMXBean threads) {
            long sum = 0;
            for (long bytes : threads.getThreadAllocatedBytes(threads.getAllThreadIds())) {
                sum += Math.max(bytes, 0); // -1 for a thread that has ended meanwhile
            }
            return sum;
        }
        throw new IllegalStateException("this JVM does not tell what its threads allocate");
    }
}
