package dev.instaflow.benchmarks;

import java.io.IOException;
import java.util.List;

/** Measurements in processes of their own: each has its peak memory, and none warms the next. */
final class EngineProcess {
    /** The heap holds no weights and no activations, on any engine. */
    private static final String HEAP = "-Xmx1g";

    /** JavaCPP counts the process against the heap's size, unless it is told not to. */
    private static final String NO_LIMIT = "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0";

    private EngineProcess() {}

    /**
     * Runs a main class and returns what it printed behind a mark: native libraries print too.
     *
     * @param mark what its lines of results begin with
     * @return the rest of those lines, at least one
     */
    static List<String> lines(String mark, Class<?> main, String... args)
            throws IOException, InterruptedException {
        String printed = Machine.run(Machine.javaCommand(List.of(HEAP, NO_LIMIT), main, args));
        List<String> lines =
                printed.lines()
                        .filter(line -> line.startsWith(mark))
                        .map(line -> line.substring(mark.length()))
                        .toList();
        if (lines.isEmpty()) {
            throw new IOException(main.getSimpleName() + " printed " + printed);
        }
        return lines;
    }

    /** What the machine reaches at best, 10^9 additions and multiplications a second. */
    static double peak(String threads) throws IOException, InterruptedException {
        return Double.parseDouble(lines(PeakRun.MARK, PeakRun.class, threads).get(0));
    }

    /** One run of {@link FullSizeRun}. */
    static StageSeconds step(String... args) throws IOException, InterruptedException {
        return StageSeconds.ofLine(lines(FullSizeRun.MARK, FullSizeRun.class, args).get(0));
    }
}
