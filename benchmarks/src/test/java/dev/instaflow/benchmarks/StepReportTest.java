package dev.instaflow.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StepReportTest {
    private static final StageFlops FLOPS = new StageFlops(10e9, 800e9, 2400e9);
    private static final double PEAK = 200;

    private static StageSeconds seconds(double factor) {
        return new StageSeconds(
                new StageTime(2 * factor, 3 * factor),
                new StageTime(0.5 * factor, 0.75 * factor),
                new StageTime(4 * factor, 8 * factor),
                new StageTime(8 * factor, 16 * factor),
                (long) (4e9 * factor),
                (long) (5e9 * factor));
    }

    private static StepReport report() {
        Map<String, StageSeconds> seconds = new LinkedHashMap<>();
        seconds.put("cpu", seconds(1));
        seconds.put("onnx", seconds(2));
        seconds.put("torch", seconds(4));
        return new StepReport(seconds, FLOPS, PEAK);
    }

    private static String row(String table, String name) {
        return table.lines().filter(line -> line.startsWith("| " + name + " |")).findFirst().get();
    }

    @Test
    void ratiosAreOursOverEachPeer() {
        String times = report().times();
        assertTrue(
                times.startsWith(
                        "| wall s / CPU s | cpu | onnx | torch | cpu ÷ onnx | cpu ÷ torch |"));
        assertEquals(
                "| UNet | 4.00 / 8.00 | 8.00 / 16.00 | 16.00 / 32.00 | 0.50 / 0.50 | 0.25 / 0.25 |",
                row(times, "UNet"));
        assertEquals(
                "| RSS peak, GB | 5.00 | 10.00 | 20.00 | 0.50 | 0.25 |",
                row(times, "RSS peak, GB"));
    }

    @Test
    void sumsAreThoseOfTheStages() {
        String times = report().times();
        assertTrue(row(times, "UNet + VAE").startsWith("| UNet + VAE | 12.00 / 24.00 |"));
        assertTrue(row(times, "step").startsWith("| step | 12.50 / 24.75 |"));
    }

    @Test
    void ratesAreSharesOfThePeakAndMayExceedIt() {
        String rates = report().rates();
        assertEquals("| UNet | 800 | 200 (100 %) | 100 (50 %) | 50 (25 %) |", row(rates, "UNet"));
        assertEquals(
                "| VAE decode | 2400 | 300 (150 %) | 150 (75 %) | 75 (38 %) |",
                row(rates, "VAE decode"));
    }

    @Test
    void withoutPeersThereAreNoRatios() {
        StepReport alone = new StepReport(Map.of("cpu", seconds(1)), FLOPS, PEAK);
        assertEquals("| UNet | 4.00 / 8.00 |", row(alone.times(), "UNet"));
        assertFalse(alone.times().contains("÷"));
        assertEquals("| UNet | 800 | 200 (100 %) |", row(alone.rates(), "UNet"));
    }

    @Test
    void barsAreWallSecondsOfAllStagesButLoading() {
        StepReport report = report();
        assertEquals(
                List.of("text", "UNet", "VAE decode", "UNet + VAE", "step"), report.barNames());
        assertEquals(List.of(1.0, 8.0, 16.0, 24.0, 25.0), report.bars().get("onnx"));
    }
}
