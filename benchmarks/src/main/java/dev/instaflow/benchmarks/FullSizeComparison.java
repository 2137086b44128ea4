package dev.instaflow.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One step at full size on our CPU backend and on libtorch, from the same file, in the same run: {@code
 * java -cp benchmarks.jar dev.instaflow.benchmarks.FullSizeComparison CHECKPOINT [ROUNDS [REPEATS
 * [TABLE.md]]]}. Each run is a process of its own, for its peak memory; the engines take turns, so that
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

    private final String checkpoint;
    private final int repeats;
    private final Path folder;
    private final Map<String, StageSeconds> best = new LinkedHashMap<>();

    private FullSizeComparison(String checkpoint, int repeats, Path folder) {
        this.checkpoint = checkpoint;
        this.repeats = repeats;
        this.folder = folder;
    }

    /**
     * Measures and prints a table.
     *
     * @param args the checkpoint; rounds, 2 by default; repeats in each, 3 by default; where to write the
     *     table, by default {@code full-size.md}
     * @throws IOException if a process fails or a file cannot be written
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String... args) throws IOException, InterruptedException {
        if (args.length < 1 || args.length > 4) {
            System.err.println(
                    "usage: FullSizeComparison CHECKPOINT [ROUNDS [REPEATS [TABLE.md]]]");
            System.exit(BAD_USAGE);
        }
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 2;
        int repeats = args.length > 2 ? Integer.parseInt(args[2]) : 3;
        Path table = Path.of(args.length > 3 ? args[3] : "full-size.md");
        Path folder = Files.createTempDirectory("full-size");
        FullSizeComparison comparison = new FullSizeComparison(args[0], repeats, folder);
        for (int round = 0; round < rounds; round++) {
            for (String engine : Engines.names()) {
                comparison.run(engine);
            }
        }
        String markdown = comparison.markdown(rounds);
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
                        checkpoint,
                        Integer.toString(repeats),
                        output(engine).toString());
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String printed =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        StageSeconds times =
                printed.lines()
                        .filter(line -> line.startsWith(FullSizeRun.MARK))
                        .map(line -> StageSeconds.ofLine(line.substring(FullSizeRun.MARK.length())))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new IOException(
                                                "%s ended with status %d: %s"
                                                        .formatted(engine, status, printed)));
        System.out.printf("%-10s %s%n", engine, times.toLine());
        best.merge(engine, times, StageSeconds::best);
    }

    private String markdown(int rounds) throws IOException {
        StringBuilder table = new StringBuilder();
        table.append("One step at full size, wall seconds, best of ");
        table.append("%d rounds of %d.%n%n".formatted(rounds, repeats));
        table.append("%s%n%n".formatted(Machine.describe()));
        row(table, "engine", "load", "text", "UNet", "VAE", "UNet + VAE", "step", "peak RSS GB");
        row(table, "---", "---", "---", "---", "---", "---", "---", "---");
        best.forEach((engine, s) -> row(table, engine, cells(s)));
        StageSeconds ours = best.get(Engines.OURS);
        StageSeconds peer = best.get(Engines.PEER);
        if (ours != null && peer != null) {
            row(table, Engines.OURS + " / " + Engines.PEER, ratios(ours, peer));
            double difference =
                    Agreement.require(values(Engines.OURS), values(Engines.PEER), TOLERANCE);
            table.append(
                    "%nLargest difference of velocity and image: %.2g.%n".formatted(difference));
        }
        return table.toString();
    }

    private static void row(StringBuilder table, String name, String... cells) {
        table.append("| ").append(name).append(" | ");
        table.append(String.join(" | ", cells)).append(" |").append(System.lineSeparator());
    }

    private static List<Double> columns(StageSeconds s) {
        return List.of(
                s.load(),
                s.text(),
                s.unet(),
                s.vae(),
                s.unet() + s.vae(),
                s.step(),
                s.peakBytes() * 1e-9);
    }

    private static String[] cells(StageSeconds s) {
        return columns(s).stream().map("%.2f"::formatted).toArray(String[]::new);
    }

    private static String[] ratios(StageSeconds ours, StageSeconds peer) {
        List<String> cells = new ArrayList<>();
        for (int i = 0; i < columns(ours).size(); i++) {
            cells.add("%.2fx".formatted(columns(ours).get(i) / columns(peer).get(i)));
        }
        return cells.toArray(String[]::new);
    }

    private float[] values(String engine) throws IOException {
        ByteBuffer bytes =
                ByteBuffer.wrap(Files.readAllBytes(output(engine))).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.capacity() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }
}
