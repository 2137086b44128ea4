package dev.instaflow.benchmarks;

import dev.instaflow.checkpoint.AtomicFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One step at full size on our CPU backend and on the peers of this build, from the same file, in the same
 * run: {@code java -cp benchmarks.jar dev.instaflow.benchmarks.FullSizeComparison CHECKPOINT [THREADS
 * [ROUNDS [REPEATS [TABLE.md [ENGINES]]]]]}. Each run is a process of its own, for its peak memory; the
 * engines take turns, so that whatever else the machine does falls on all; the best of all repeats counts.
 * Prints tables of times, memory, ratios and rates as shares of the measured peak, and writes them to
 * TABLE.md with a chart beside it, TABLE.png. ENGINES is a list such as {@code cpu,onnx,torch}, all by
 * default; {@code cpu} alone measures without peers.
 */
public final class FullSizeComparison {
    private static final int BAD_USAGE = 2;

    /** About 2 10^-5 of velocities and pixels of order 1 to 10, through the depth of the networks. */
    private static final double TOLERANCE = 2e-3;

    private static final String NOTES =
            """
            Wall seconds / CPU seconds of the process, the best of each by itself. An engine's load is
            from the path of the checkpoint to networks that are ready; that of ONNX Runtime, for which
            the networks are exported first, from the exported files, and its memory "loaded" is that after
            the first step. A FLOP is an addition or a
            multiplication of a direct convolution, linear layer or attention, counted from the shapes;
            the peak is our best matrix product of 2048 x 2048 x 2048 on as many threads. An engine
            that saves multiplications, as Winograd's convolutions do, may exceed it.
            """;

    private final String checkpoint;
    private final String threads;
    private final String repeats;
    private final Path folder;
    private final Map<String, StageSeconds> best = new LinkedHashMap<>();

    private FullSizeComparison(String checkpoint, String threads, String repeats, Path folder) {
        this.checkpoint = checkpoint;
        this.threads = threads;
        this.repeats = repeats;
        this.folder = folder;
    }

    /**
     * Measures, prints and writes.
     *
     * @param args the checkpoint; threads, by default all processors; rounds, 2 by default; repeats in
     *     each, 3 by default; where to write the tables, by default {@code full-size.md}; engines, by
     *     default all of this build
     * @throws IOException if a process fails, results differ or a file cannot be written
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String... args) throws IOException, InterruptedException {
        if (args.length < 1 || args.length > 6) {
            System.err.println(
                    "usage: FullSizeComparison CHECKPOINT [THREADS [ROUNDS [REPEATS [TABLE.md"
                            + " [ENGINES]]]]]");
            System.exit(BAD_USAGE);
        }
        String processors = Integer.toString(Runtime.getRuntime().availableProcessors());
        String threads = args.length > 1 ? args[1] : processors;
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 2;
        String repeats = args.length > 3 ? args[3] : "3";
        Path table = Path.of(args.length > 4 ? args[4] : "full-size.md");
        List<String> engines = args.length > 5 ? List.of(args[5].split(",")) : Engines.names();
        Path folder = Files.createTempDirectory("full-size");
        FullSizeComparison comparison = new FullSizeComparison(args[0], threads, repeats, folder);
        String machine = Machine.describe();
        double peak = EngineProcess.peak(threads);
        for (int round = 0; round < rounds; round++) {
            for (String engine : engines) {
                comparison.run(engine);
            }
        }
        String title =
                "One step at full size, %s threads, best of %d rounds of %s. Peak %.0f GFLOP/s.%n%n%s%n%n"
                        .formatted(threads, rounds, repeats, peak, machine);
        comparison.report(title, table, peak);
    }

    private Path output(String engine) {
        return folder.resolve(engine + ".f32");
    }

    private void run(String engine) throws IOException, InterruptedException {
        StageSeconds times =
                EngineProcess.step(engine, threads, checkpoint, repeats, output(engine).toString());
        System.out.println(engine + ": " + times);
        best.merge(engine, times, StageSeconds::best);
    }

    private void report(String title, Path table, double peak) throws IOException {
        BenchmarkModel file = BenchmarkModel.named(checkpoint);
        StageFlops flops = StageFlops.of(file, StepInputs.of(file.config()));
        StepReport report = new StepReport(best, flops, peak);
        String markdown =
                String.join(
                        System.lineSeparator(),
                        title + report.times(),
                        report.rates(),
                        differences() + NOTES);
        System.out.print(markdown);
        AtomicFile.write(table, part -> Files.writeString(part, markdown));
        BarChart.write(
                beside(table, ".png"),
                "One step, " + threads + " threads",
                "seconds",
                report.barNames(),
                report.bars());
    }

    /** The table's name with another ending. */
    static Path beside(Path table, String ending) {
        String name = table.getFileName().toString();
        String stem = name.endsWith(".md") ? name.substring(0, name.length() - 3) : name;
        return table.resolveSibling(stem + ending);
    }

    private String differences() throws IOException {
        List<String> engines = new ArrayList<>(best.keySet());
        StringBuilder text = new StringBuilder();
        for (String peer : engines.subList(1, engines.size())) {
            double difference = Agreement.require(values(engines.get(0)), values(peer), TOLERANCE);
            text.append(
                    "Largest difference of velocity and image from those of %s: %.2g.%n%n"
                            .formatted(peer, difference));
        }
        return text.toString();
    }

    private float[] values(String engine) throws IOException {
        ByteBuffer bytes =
                ByteBuffer.wrap(Files.readAllBytes(output(engine))).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.capacity() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }
}
