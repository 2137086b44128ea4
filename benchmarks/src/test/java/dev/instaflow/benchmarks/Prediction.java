package dev.instaflow.benchmarks;

import dev.instaflow.benchmarks.CountedStep.Stage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** What a counted step would take on GPUs that are not here: sums over its launches, as tables. */
final class Prediction {
    private static final double MILLI = 1e3;
    private static final double GIGA = 1e-9;
    private static final double TERA = 1e-12;

    /** Less of a step than this is summed up with the rest of its stage. */
    private static final double SMALL = 0.01;

    private final CountedStep step;
    private final List<PaperGpu> gpus = List.of(PaperGpu.a100(), PaperGpu.h100());

    Prediction(CountedStep step) {
        this.step = step;
    }

    private static double sum(List<LaunchWork> work, ToDoubleFunction<LaunchWork> what) {
        return work.stream().mapToDouble(what).sum();
    }

    private double sumOfStep(ToDoubleFunction<LaunchWork> what) {
        return step.stages().stream().mapToDouble(stage -> sum(stage.work(), what)).sum();
    }

    private static double asGraph(PaperGpu gpu, List<LaunchWork> work) {
        return sum(work, gpu::expected) + work.size() * gpu.gapSeconds();
    }

    /** The host launches while the device works: the slower of both counts. */
    private double oneByOne(PaperGpu gpu) {
        return step.stages().stream()
                .mapToDouble(
                        stage ->
                                Math.max(
                                        asGraph(gpu, stage.work()),
                                        stage.work().size() * gpu.callSeconds()))
                .sum();
    }

    /** Milliseconds for each GPU: the bound, what is expected with a graph, and without. */
    List<String> totals() {
        List<String> cells = new ArrayList<>();
        for (PaperGpu gpu : gpus) {
            cells.add(millis(sumOfStep(gpu::bound)));
            cells.add(
                    millis(
                            step.stages().stream()
                                    .mapToDouble(stage -> asGraph(gpu, stage.work()))
                                    .sum()));
            cells.add(millis(oneByOne(gpu)));
        }
        return cells;
    }

    static MarkdownTable totalsTable() {
        return new MarkdownTable(
                List.of(
                        "precision",
                        "A100 at paper peak",
                        "A100 expected",
                        "without graph",
                        "H100 at paper peak",
                        "H100 expected",
                        "without graph"));
    }

    /** A row for each kind of work of each network. */
    String byKind() {
        MarkdownTable table =
                new MarkdownTable(
                        List.of(
                                "work",
                                "launches",
                                "GB",
                                "TFLOP",
                                "A100 at paper peak, ms",
                                "A100 expected, ms",
                                "H100 at paper peak, ms",
                                "H100 expected, ms"));
        List<LaunchWork> all = new ArrayList<>();
        for (Stage stage : step.stages()) {
            Map<LaunchWork.Kind, List<LaunchWork>> byKind = new EnumMap<>(LaunchWork.Kind.class);
            stage.work()
                    .forEach(
                            work ->
                                    byKind.computeIfAbsent(work.kind(), k -> new ArrayList<>())
                                            .add(work));
            List<LaunchWork> rest = new ArrayList<>();
            byKind.entrySet().stream()
                    .sorted(Comparator.comparingDouble(entry -> -expected(entry.getValue())))
                    .forEach(
                            entry -> {
                                if (expected(entry.getValue()) < SMALL * expectedOfStep()) {
                                    rest.addAll(entry.getValue());
                                } else {
                                    String name = stage.name() + ": " + entry.getKey().title();
                                    table.row(name, cells(entry.getValue()));
                                }
                            });
            if (!rest.isEmpty()) {
                boolean whole = rest.size() == stage.work().size();
                table.row(stage.name() + (whole ? "" : ": all else"), cells(rest));
            }
            all.addAll(stage.work());
        }
        return table.row("**step**", cells(all)).toString();
    }

    private double expected(List<LaunchWork> work) {
        return asGraph(gpus.get(0), work);
    }

    private double expectedOfStep() {
        return step.stages().stream().mapToDouble(stage -> expected(stage.work())).sum();
    }

    private List<String> cells(List<LaunchWork> work) {
        List<String> cells = new ArrayList<>();
        cells.add(String.valueOf(work.size()));
        cells.add(decimals(3, GIGA * sum(work, LaunchWork::bytes)));
        cells.add(decimals(3, TERA * sum(work, LaunchWork::flops)));
        for (PaperGpu gpu : gpus) {
            cells.add(millis(sum(work, gpu::bound)));
            cells.add(millis(asGraph(gpu, work)));
        }
        return cells;
    }

    private static String millis(double seconds) {
        return decimals(2, MILLI * seconds);
    }

    private static String decimals(int count, double value) {
        return String.format(Locale.ROOT, "%." + count + "f", value);
    }
}
