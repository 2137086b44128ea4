package dev.instaflow.ptx.cli;

import dev.instaflow.ptx.PtxParser;
import dev.instaflow.ptx.run.Coverage;
import dev.instaflow.ptx.run.EmulatedKernel;
import dev.instaflow.ptx.run.EmulatedMemory;
import dev.instaflow.ptx.run.EmulatedModule;
import dev.instaflow.ptx.run.InstructionCounts;
import dev.instaflow.ptx.run.KernelArguments;
import dev.instaflow.ptx.run.LaunchReport;
import dev.instaflow.ptx.run.LaunchSettings;
import dev.instaflow.ptx.run.Traffic;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.util.List;
import java.util.Locale;

/** Runs one kernel of a PTX file and prints findings and counters. */
public final class PtxCommand {
    private static final int CLEAN = 0;
    private static final int FOUND = 1;
    private static final int MISUSED = 2;

    private static final String USAGE =
            "usage: run FILE.ptx [--entry NAME] [--grid X,Y,Z] [--block X,Y,Z] [--shared BYTES]"
                    + " [--fast THREADS] [--approximate nearest|worst]"
                    + " [--arg SPEC]...\n"
                    + "SPEC: i32:N i64:N f32:X, or a buffer: f32[N] i32[N] f16[N], then :zero :one"
                    + " :iota :random, or nothing if the kernel only writes it\n";

    private PtxCommand() {}

    /** Exits with 0 if nothing was found, 1 if something was, 2 if the command was not understood. */
    public static void main(String[] words) {
        System.exit(run(List.of(words), System.out, System.err));
    }

    static int run(List<String> words, PrintStream out, PrintStream err) {
        try {
            return launch(CommandOptions.parse(words), out);
        } catch (IllegalArgumentException e) {
            err.println(e.getMessage());
            err.print(USAGE);
            return MISUSED;
        } catch (IOException e) {
            err.println("cannot read: " + e.getMessage());
            return MISUSED;
        }
    }

    private static int launch(CommandOptions options, PrintStream out) throws IOException {
        String text = Files.readString(options.file());
        EmulatedMemory memory = new EmulatedMemory();
        String source = String.valueOf(options.file().getFileName());
        EmulatedModule module =
                EmulatedModule.load(PtxParser.parse(source, text), memory, options.approximation());
        EmulatedKernel kernel = choose(module, options.entry());
        Buffers buffers = new Buffers(memory);
        KernelArguments arguments = kernel.arguments();
        for (ArgumentSpec spec : options.arguments()) {
            buffers.append(spec, arguments);
        }
        LaunchReport report =
                kernel.launch(
                        options.grid(),
                        options.block(),
                        options.sharedBytes(),
                        arguments.toBlock(),
                        options.launch());
        if (options.launch().mode() == LaunchSettings.Mode.CHECKED) {
            print(report, out);
        }
        buffers.describe().forEach(out::println);
        report.findings().forEach(out::println);
        out.println(report.findings().isEmpty() ? "clean" : report.findings().size() + " findings");
        return report.findings().isEmpty() ? CLEAN : FOUND;
    }

    private static EmulatedKernel choose(EmulatedModule module, String entry) {
        if (entry.isEmpty() && module.kernelNames().size() == 1) {
            return module.kernel(module.kernelNames().iterator().next()).orElseThrow();
        }
        return module.kernel(entry)
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "--entry '"
                                                + entry
                                                + "' is none of "
                                                + module.kernelNames()));
    }

    private static void print(LaunchReport report, PrintStream out) {
        InstructionCounts counts = report.counts();
        Traffic traffic = report.traffic();
        Coverage coverage = new Coverage();
        coverage.add(report);
        out.printf(
                Locale.ROOT,
                "%s: %d warp instructions, %d thread instructions, %d mma%n",
                report.kernel(),
                counts.warpInstructions(),
                counts.threadInstructions(),
                counts.mmaCount());
        counts.threadsByClass().entrySet().stream()
                .filter(e -> e.getValue() > 0)
                .sorted(java.util.Map.Entry.comparingByKey())
                .forEach(e -> out.printf(Locale.ROOT, "  %-16s %d%n", e.getKey(), e.getValue()));
        out.printf(
                Locale.ROOT,
                "global loads: %d sectors, %d if packed, %d distinct bytes%n",
                traffic.loadSectors(),
                traffic.idealLoadSectors(),
                traffic.distinctLoadBytes());
        out.printf(
                Locale.ROOT,
                "global stores: %d sectors, %d if packed, %d distinct bytes%n",
                traffic.storeSectors(),
                traffic.idealStoreSectors(),
                traffic.distinctStoreBytes());
        out.printf(
                Locale.ROOT,
                "shared: %d phases, %d replays%n",
                traffic.sharedPhases(),
                traffic.sharedReplays());
        out.printf(
                Locale.ROOT,
                "lines executed: %.1f%%, not executed: %s%n",
                100 * coverage.ratio(),
                coverage.missedLines());
    }
}
