package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.instaflow.ptx.PtxFunction;
import dev.instaflow.ptx.run.Coverage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Runs after all other classes and reads what they executed. */
@Order(Integer.MAX_VALUE)
class CoverageTest {
    private static final double LEAST = 0.99;

    @Test
    void almostEveryShippedLineWasExecuted() throws IOException {
        List<String> report = new ArrayList<>();
        long all = 0;
        long missed = 0;
        for (KernelModule module : KernelModule.values()) {
            for (PtxFunction entry : Emulator.program(module).functions()) {
                long lines =
                        entry.instructions().stream().mapToInt(i -> i.line()).distinct().count();
                Coverage coverage = Emulator.coverage().get(entry.name());
                List<Integer> missing = coverage == null ? List.of() : coverage.missedLines();
                long misses = coverage == null ? lines : missing.size();
                all += lines;
                missed += misses;
                report.add(
                        String.format(
                                "%-40s %5d lines %5.1f %%%s",
                                entry.name(),
                                lines,
                                100.0 * (lines - misses) / lines,
                                coverage == null
                                        ? "  never launched"
                                        : misses == 0 ? "" : "  missed " + shortened(missing)));
            }
        }
        String total =
                String.format(
                        "%d of %d lines of %d entries executed, %.2f %%",
                        all - missed, all, report.size(), 100.0 * (all - missed) / all);
        report.add(total);
        report.add("");
        report.addAll(Emulator.traffic().values());
        Files.write(Path.of("target", "kernel-report.txt"), report);
        boolean chosenTests = System.getProperty("test") != null;
        assumeTrue(!chosenTests || launchedAll(), "only some of the tests ran");
        assertTrue(all - missed >= LEAST * all, total + "; see target/kernel-report.txt");
    }

    private static boolean launchedAll() {
        return Arrays.stream(KernelModule.values())
                .flatMap(module -> Emulator.program(module).functions().stream())
                .allMatch(entry -> Emulator.coverage().containsKey(entry.name()));
    }

    private static String shortened(List<Integer> lines) {
        return lines.stream().limit(12).map(String::valueOf).collect(Collectors.joining(" "))
                + (lines.size() > 12 ? " …" : "");
    }
}
