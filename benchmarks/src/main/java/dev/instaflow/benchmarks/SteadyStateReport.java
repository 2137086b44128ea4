package dev.instaflow.benchmarks;

import dev.instaflow.checkpoint.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What our CPU backend costs once it is warm, and as images grow: {@code java -cp benchmarks.jar
 * dev.instaflow.benchmarks.SteadyStateReport [THREADS [TABLE.md [CHECKPOINT [SIDES]]]]}. The bundled model
 * in batches of 1, 4, 8 and 16: time, images a second, heap taken by an image, bytes held by the engine;
 * with a full-size checkpoint the same for one image, and times, FLOPs and memory of images of several
 * SIDES, by default {@code 512,768,1024}. Each in a process of its own.
 */
public final class SteadyStateReport {
    private static final int BAD_USAGE = 2;
    private static final List<String> BATCHES = List.of("1", "4", "8", "16");
    private static final double GIGA = 1e9;
    private static final int MILLI = 1000;
    private static final double KIBI = 1024;
    private static final double MEBI = KIBI * KIBI;

    private static final String NOTES =
            """
            Heap bytes are those of all Java threads for the last batch, divided by its images, without the
            arrays that are results (of the stages: text states, velocity, latent and image; of the
            pipeline: the pixels). Held bytes are the engine's own memory, weights included, after the
            warm-up and at the end. Time ÷ FLOP is relative to the first row: at most 1 means that time
            grows no faster than the work.
            """;

    private final String threads;
    private final StringBuilder text = new StringBuilder();

    private SteadyStateReport(String threads) {
        this.threads = threads;
    }

    /**
     * Measures, prints and writes.
     *
     * @param args threads, by default all processors; where to write, by default {@code
     *     steady-state.md}; a full-size checkpoint, by default none; sides in pixels
     * @throws IOException if a process fails or a file cannot be written
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String... args) throws IOException, InterruptedException {
        if (args.length > 4) {
            System.err.println(
                    "usage: SteadyStateReport [THREADS [TABLE.md [CHECKPOINT [SIDES]]]]");
            System.exit(BAD_USAGE);
        }
        String processors = Integer.toString(Runtime.getRuntime().availableProcessors());
        SteadyStateReport report = new SteadyStateReport(args.length > 0 ? args[0] : processors);
        Path table = Path.of(args.length > 1 ? args[1] : "steady-state.md");
        report.text.append(
                "Warm, %s threads.%n%n%s%n%n".formatted(report.threads, Machine.describe()));
        report.bundled();
        if (args.length > 2) {
            report.fullSize(args[2]);
            report.sides(args[2], (args.length > 3 ? args[3] : "512,768,1024").split(","));
        }
        report.text.append(NOTES);
        System.out.print(report.text);
        AtomicFile.write(table, part -> Files.writeString(part, report.text));
    }

    private void bundled() throws IOException, InterruptedException {
        List<String> stages = new ArrayList<>(List.of(Engines.OURS, threads, BenchmarkModel.EMOJI));
        stages.addAll(List.of("150", "50"));
        stages.addAll(BATCHES);
        steady("bundled model, ids to pixels, batch", SteadyStateRun.class, stages);
        List<String> pipeline = new ArrayList<>(List.of(threads, "150", "50"));
        pipeline.addAll(BATCHES);
        steady("bundled model, prompt to pixels, batch", PipelineRun.class, pipeline);
    }

    private void fullSize(String checkpoint) throws IOException, InterruptedException {
        steady(
                "full size, batch",
                SteadyStateRun.class,
                List.of(Engines.OURS, threads, checkpoint, "2", "2", "1"));
    }

    private void steady(String name, Class<?> main, List<String> args)
            throws IOException, InterruptedException {
        List<SteadyState> states =
                EngineProcess.lines(SteadyStateRun.MARK, main, args.toArray(String[]::new)).stream()
                        .map(SteadyState::ofLine)
                        .toList();
        text.append(batches(name, states)).append(System.lineSeparator());
    }

    /** A row a batch. */
    static MarkdownTable batches(String name, List<SteadyState> states) {
        MarkdownTable table =
                new MarkdownTable(
                        List.of(
                                name,
                                "ms a batch",
                                "images/s",
                                "heap KiB an image",
                                "held MiB, warm",
                                "held MiB, end"));
        for (SteadyState s : states) {
            table.row(
                    Integer.toString(s.images()),
                    List.of(
                            "%.1f".formatted(s.seconds() * MILLI),
                            "%.1f".formatted(s.imagesPerSecond()),
                            "%.1f".formatted(s.garbageBytes() / KIBI),
                            held(s.heldBefore()),
                            held(s.heldAfter())));
        }
        return table;
    }

    private static String held(long bytes) {
        return bytes == SteadyState.UNKNOWN ? "-" : "%.1f".formatted(bytes / MEBI);
    }

    private void sides(String checkpoint, String... sides)
            throws IOException, InterruptedException {
        BenchmarkModel file = BenchmarkModel.named(checkpoint);
        Path output = Files.createTempFile("step", ".f32");
        Map<String, StageSeconds> seconds = new LinkedHashMap<>();
        Map<String, StageFlops> flops = new LinkedHashMap<>();
        try {
            for (String side : sides) {
                String[] run = {Engines.OURS, threads, checkpoint, "2", output.toString(), side};
                seconds.put(side, EngineProcess.step(run));
                flops.put(side, StageFlops.of(file, file.inputs(1, Integer.parseInt(side))));
                System.out.println(side + ": " + seconds.get(side));
            }
        } finally {
            Files.delete(output);
        }
        text.append(growth(seconds, flops)).append(System.lineSeparator());
    }

    /** A row a side; the first is the measure of the others. */
    static MarkdownTable growth(Map<String, StageSeconds> seconds, Map<String, StageFlops> flops) {
        MarkdownTable table =
                new MarkdownTable(
                        List.of(
                                "side",
                                "UNet s",
                                "VAE s",
                                "step s",
                                "GFLOP",
                                "GFLOP/s",
                                "time ÷ FLOP",
                                "RSS peak GB"));
        String first = seconds.keySet().iterator().next();
        double unit = seconds.get(first).step().wall() / flops.get(first).step();
        seconds.forEach(
                (side, s) -> {
                    double work = flops.get(side).step();
                    double[] figures = {
                        s.unet().wall(),
                        s.vae().wall(),
                        s.step().wall(),
                        work / GIGA,
                        work / GIGA / s.step().wall(),
                        s.step().wall() / work / unit,
                        s.peakBytes() / GIGA
                    };
                    table.row(side, Arrays.stream(figures).mapToObj("%.2f"::formatted).toList());
                });
        return table;
    }
}
