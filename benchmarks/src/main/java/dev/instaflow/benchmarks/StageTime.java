package dev.instaflow.benchmarks;

import java.lang.management.ManagementFactory;
import java.util.concurrent.Callable;

/**
 * What one stage took.
 *
 * @param wall seconds on the clock
 * @param cpu seconds of processor time of the whole process, which other processes hardly change; at one
 *     thread the fairest figure on a busy machine, at more it includes the spinning of idle threads
 */
public record StageTime(double wall, double cpu) {
    /** No time. */
    public static final StageTime ZERO = new StageTime(0, 0);

    private static final double NANO = 1e-9;

    /**
     * Measures.
     *
     * @param stage what to measure
     * @return its time
     * @throws Exception as {@code stage} does
     */
    public static StageTime of(Callable<?> stage) throws Exception {
        long wall = System.nanoTime();
        long cpu = cpuNanos();
        stage.call();
        return new StageTime((System.nanoTime() - wall) * NANO, (cpuNanos() - cpu) * NANO);
    }

    private static long cpuNanos() {
        if (ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.OperatingSystemMXBean os) {
            return os.getProcessCpuTime();
        }
        throw new IllegalStateException("this JVM does not tell its processor time");
    }

    /** The faster of two, each figure by itself: other processes only ever slow a run down. */
    StageTime best(StageTime other) {
        return new StageTime(Math.min(wall, other.wall), Math.min(cpu, other.cpu));
    }

    /**
     * The sum.
     *
     * @param other time of something else
     * @return of both together
     */
    public StageTime plus(StageTime other) {
        return new StageTime(wall + other.wall, cpu + other.cpu);
    }

    StageTime minus(StageTime part) {
        return new StageTime(wall - part.wall, cpu - part.cpu);
    }
}
