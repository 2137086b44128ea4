package dev.instaflow.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * One step at full size on our CPU backend and on libtorch, from the same file, in the same run: {@code
 * java -cp benchmarks.jar dev.instaflow.benchmarks.FullSizeComparison CHECKPOINT [THREADS [ROUNDS [REPEATS
 * [TABLE.md]]]]}. Each run is a process of its own, for its peak memory; the engines take turns, so that
 * whatever else the machine does falls on both; the best of all repeats counts.
 */
public final class FullSizeComparison {
    private static final int BAD_USAGE = 2;

    /** The heap holds no weights and no activations, on either engine. */
    private static final String HEAP = "-Xmx1g";

    /** JavaCPP counts the process against the heap's size, unless it is told not to. */
    private static final String NO_LIMIT = "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0";

    /** About 2 10^-5 of velocities and pixels of order 1 to 10, through the depth of the networks. */
    private static final double TOLERANCE = 2e-3;

    private final List<String> args;
    private final Path folder;
    private final Map<String, StageSeconds> best = new LinkedHashMap<>();

    private FullSizeComparison(List<String> args, Path folder) {
        this.args = args;
        this.folder = folder;
    }

    /**
     * Measures and prints a table.
     *
     * @param args the checkpoint; threads, by default all processors; rounds, 2 by default; repeats in
     *     each, 3 by default; where to write the table, by default {@code full-size.md}
     * @throws IOException if a process fails or a file cannot be written
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String... args) throws IOException, InterruptedException {
        if (args.length < 1 || args.length > 5) {
            System.err.println(
                    "usage: FullSizeComparison CHECKPOINT [THREADS [ROUNDS [REPEATS [TABLE.md]]]]");
            System.exit(BAD_USAGE);
        }
        String processors = Integer.toString(Runtime.getRuntime().availableProcessors());
        String threads = args.length > 1 ? args[1] : processors;
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 2;
        String repeats = args.length > 3 ? args[3] : "3";
        Path table = Path.of(args.length > 4 ? args[4] : "full-size.md");
        Path folder = Files.createTempDirectory("full-size");
        FullSizeComparison comparison =
                new FullSizeComparison(List.of(threads, args[0], repeats), folder);
        String machine = Machine.describe();
        for (int round = 0; round < rounds; round++) {
            for (String engine : Engines.names()) {
                comparison.run(engine);
            }
        }
        String title =
                "One step at full size, %s threads, seconds, best of %d rounds of %s.%n%n%s%n%n"
                        .formatted(threads, rounds, repeats, machine);
        String markdown = title + comparison.markdown();
        System.out.print(markdown);
        Files.writeString(table, markdown);
    }

    private Path output(String engine) {
        return folder.resolve(engine + ".f32");
    }

    private void run(String engine) throws IOException, InterruptedException {
        List<String> command =
                Machine.javaCommand(
                        List.of(HEAP, NO_LIMIT),
                        FullSizeRun.class,
                        engine,
                        args.get(0),
                        args.get(1),
                        args.get(2),
                        output(engine).toString());
        String printed = Machine.run(command);
        StageSeconds times =
                printed.lines()
                        .filter(line -> line.startsWith(FullSizeRun.MARK))
                        .map(line -> StageSeconds.ofLine(line.substring(FullSizeRun.MARK.length())))
                        .findFirst()
                        .orElseThrow(() -> new IOException(engine + " printed " + printed));
        System.out.print(row(engine, cells(times)));
        best.merge(engine, times, StageSeconds::best);
    }

    private String markdown() throws IOException {
        StringBuilder table = new StringBuilder();
        table.append(
                row(
                        "engine",
                        List.of(
                                "load",
                                "load CPU",
                                "text",
                                "text CPU",
                                "UNet",
                                "UNet CPU",
                                "VAE",
                                "VAE CPU",
                                "UNet + VAE",
                                "CPU",
                                "step",
                                "step CPU",
                                "RSS loaded GB",
                                "RSS peak GB")));
        table.append("|---".repeat(15)).append("|").append(System.lineSeparator());
        best.forEach((engine, s) -> table.append(row(engine, cells(s))));
        StageSeconds ours = best.get(Engines.OURS);
        StageSeconds peer = best.get(Engines.PEER);
        if (ours != null && peer != null) {
            table.append(row(Engines.OURS + " / " + Engines.PEER, ratios(ours, peer)));
            double difference =
                    Agreement.require(values(Engines.OURS), values(Engines.PEER), TOLERANCE);
            table.append(
                    "%nLargest difference of velocity and image: %.2g.%n".formatted(difference));
        }
        return table.toString();
    }

    private static String row(String name, List<String> cells) {
        return "| " + name + " | " + String.join(" | ", cells) + " |" + System.lineSeparator();
    }

    private static double[] columns(StageSeconds s) {
        StageTime both = s.unet().plus(s.vae());
        return new double[] {
            s.load().wall(),
            s.load().cpu(),
            s.text().wall(),
            s.text().cpu(),
            s.unet().wall(),
            s.unet().cpu(),
            s.vae().wall(),
            s.vae().cpu(),
            both.wall(),
            both.cpu(),
            s.step().wall(),
            s.step().cpu(),
            s.loadedBytes() * 1e-9,
            s.peakBytes() * 1e-9
        };
    }

    private static List<String> cells(StageSeconds s) {
        return Arrays.stream(columns(s)).mapToObj("%.2f"::formatted).toList();
    }

    private static List<String> ratios(StageSeconds ours, StageSeconds peer) {
        double[] above = columns(ours);
        double[] below = columns(peer);
        return IntStream.range(0, above.length)
                .mapToObj(i -> "%.2fx".formatted(above[i] / below[i]))
                .toList();
    }

    private float[] values(String engine) throws IOException {
        ByteBuffer bytes =
                ByteBuffer.wrap(Files.readAllBytes(output(engine))).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.capacity() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }
}
