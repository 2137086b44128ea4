package dev.instaflow.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * What a comparison found, as tables: a row a stage, a column an engine.
 *
 * @param seconds of each engine, ours first
 * @param flops of one step
 * @param peak what the machine reaches at best, 10^9 additions and multiplications a second
 */
record StepReport(Map<String, StageSeconds> seconds, StageFlops flops, double peak) {
    private static final double GIGA = 1e9;

    /** A row of the tables. */
    private record Stage(
            String name, Function<StageSeconds, StageTime> time, OptionalDouble flops) {}

    StepReport {
        seconds = new LinkedHashMap<>(seconds);
    }

    private List<Stage> stages() {
        return List.of(
                new Stage("load", StageSeconds::load, OptionalDouble.empty()),
                new Stage("text", StageSeconds::text, OptionalDouble.of(flops.text())),
                new Stage("UNet", StageSeconds::unet, OptionalDouble.of(flops.unet())),
                new Stage("VAE decode", StageSeconds::vae, OptionalDouble.of(flops.vae())),
                new Stage(
                        "UNet + VAE",
                        s -> s.unet().plus(s.vae()),
                        OptionalDouble.of(flops.unet() + flops.vae())),
                new Stage("step", StageSeconds::step, OptionalDouble.of(flops.step())));
    }

    private List<String> peers() {
        return seconds.keySet().stream().skip(1).toList();
    }

    private StageSeconds ours() {
        return seconds.values().iterator().next();
    }

    private String oursName() {
        return seconds.keySet().iterator().next();
    }

    /** Seconds and memory of each engine, and ours divided by those of each peer. */
    String times() {
        List<String> header = new ArrayList<>(List.of("wall s / CPU s"));
        header.addAll(seconds.keySet());
        peers().forEach(peer -> header.add(oursName() + " ÷ " + peer));
        MarkdownTable table = new MarkdownTable(header);
        for (Stage stage : stages()) {
            List<String> cells = new ArrayList<>();
            seconds.values().forEach(s -> cells.add(pair("%.2f", stage.time().apply(s))));
            StageTime mine = stage.time().apply(ours());
            for (String peer : peers()) {
                StageTime other = stage.time().apply(seconds.get(peer));
                StageTime ratio =
                        new StageTime(mine.wall() / other.wall(), mine.cpu() / other.cpu());
                cells.add(pair("%.2f", ratio));
            }
            table.row(stage.name(), cells);
        }
        addMemory(table, "RSS loaded, GB", StageSeconds::loadedBytes);
        addMemory(table, "RSS peak, GB", StageSeconds::peakBytes);
        return table.toString();
    }

    private static String pair(String format, StageTime time) {
        return format.formatted(time.wall()) + " / " + format.formatted(time.cpu());
    }

    private void addMemory(MarkdownTable table, String name, ToDoubleFunction<StageSeconds> bytes) {
        List<String> cells = new ArrayList<>();
        seconds.values().forEach(s -> cells.add("%.2f".formatted(bytes.applyAsDouble(s) / GIGA)));
        double mine = bytes.applyAsDouble(ours());
        for (String peer : peers()) {
            cells.add("%.2f".formatted(mine / bytes.applyAsDouble(seconds.get(peer))));
        }
        table.row(name, cells);
    }

    /** Rates of each engine and their shares of the peak. */
    String rates() {
        List<String> header = new ArrayList<>(List.of("GFLOP/s (share of peak)", "GFLOP"));
        header.addAll(seconds.keySet());
        MarkdownTable table = new MarkdownTable(header);
        for (Stage stage : stages()) {
            if (stage.flops().isPresent()) {
                double work = stage.flops().getAsDouble() / GIGA;
                List<String> cells = new ArrayList<>(List.of("%.0f".formatted(work)));
                for (StageSeconds s : seconds.values()) {
                    double rate = work / stage.time().apply(s).wall();
                    cells.add("%.0f (%.0f %%)".formatted(rate, 100 * rate / peak));
                }
                table.row(stage.name(), cells);
            }
        }
        return table.toString();
    }

    /** Wall seconds by stage, for a chart; loading is left out, since it happens once. */
    Map<String, List<Double>> bars() {
        Map<String, List<Double>> bars = new LinkedHashMap<>();
        seconds.forEach(
                (engine, s) ->
                        bars.put(
                                engine,
                                stages().stream()
                                        .skip(1)
                                        .map(stage -> stage.time().apply(s).wall())
                                        .toList()));
        return bars;
    }

    /** What the numbers of {@link #bars} belong to. */
    List<String> barNames() {
        return stages().stream().skip(1).map(Stage::name).toList();
    }
}
