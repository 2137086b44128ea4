package dev.instaflow.benchmarks;

import dev.instaflow.kernels.KernelModule;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Kernels by family: from their manifest what they need of each architecture, and from the report of their tests what was executed in
 * the emulator and how many bytes it moved there.
 */
final class KernelFigures {
    private static final Pattern NEEDS = Pattern.compile("sm_(\\d+)=(\\d+)/(\\d+)/(\\d+)");
    private static final Pattern LINES = Pattern.compile("(\\w+) +(\\d+) lines +([\\d.]+) %.*");
    private static final Pattern BYTES =
            Pattern.compile(
                    "(\\w+) +bytes .*\\(([\\d.]+)\\) +stores.*replays +\\d+ \\(([\\d.]+) %\\)");

    /** Largest of a family's entries. */
    private static final class Family {
        private int entries;
        private long lines;
        private double missed;
        private double traffic;
        private double conflicts;
        private long shared;
        private long spills;
        private final Map<Integer, Integer> registers = new TreeMap<>();
    }

    private final Map<String, Family> families = new TreeMap<>();
    private final Map<String, String> familyOf = new TreeMap<>();

    /** The table, of a report that has all entries. */
    static String of(List<String> report) {
        KernelFigures figures = new KernelFigures();
        manifest().lines().filter(line -> line.startsWith("entry ")).forEach(figures::addEntry);
        report.forEach(figures::addLine);
        return figures.table();
    }

    private static String manifest() {
        try (InputStream in = KernelModule.class.getResourceAsStream("kernels.manifest")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void addEntry(String line) {
        String[] words = line.split(" ");
        familyOf.put(words[1], words[2]);
        Family family = families.computeIfAbsent(words[2], name -> new Family());
        family.entries++;
        Matcher needs = NEEDS.matcher(line);
        while (needs.find()) {
            family.registers.merge(
                    Integer.valueOf(needs.group(1)), Integer.valueOf(needs.group(2)), Math::max);
            family.shared = Math.max(family.shared, Long.parseLong(needs.group(3)));
            family.spills = Math.max(family.spills, Long.parseLong(needs.group(4)));
        }
    }

    private void addLine(String line) {
        Matcher lines = LINES.matcher(line);
        Matcher bytes = BYTES.matcher(line);
        if (lines.matches()) {
            Family family = families.get(familyOf.get(lines.group(1)));
            long count = Long.parseLong(lines.group(2));
            family.lines += count;
            family.missed += count * (1 - Double.parseDouble(lines.group(3)) / 100);
        } else if (bytes.matches()) {
            Family family = families.get(familyOf.get(bytes.group(1)));
            family.traffic = Math.max(family.traffic, Double.parseDouble(bytes.group(2)));
            family.conflicts = Math.max(family.conflicts, Double.parseDouble(bytes.group(3)));
        }
    }

    private String table() {
        MarkdownTable table =
                new MarkdownTable(
                        List.of(
                                "family",
                                "entries",
                                "PTX lines",
                                "executed",
                                "registers, sm_75",
                                "sm_80, 86, 89",
                                "sm_90",
                                "static shared, B",
                                "spills, B",
                                "bytes / bound",
                                "bank conflicts"));
        families.forEach((name, family) -> table.row(name, cells(family)));
        return table.toString();
    }

    private static List<String> cells(Family f) {
        List<String> cells = new ArrayList<>();
        cells.add(String.valueOf(f.entries));
        cells.add(String.valueOf(f.lines));
        cells.add(percent(100 * (1 - f.missed / f.lines)));
        cells.add(f.registers.containsKey(75) ? String.valueOf(f.registers.get(75)) : "-");
        int most = 0;
        for (int architecture : List.of(80, 86, 89)) {
            most = Math.max(most, f.registers.get(architecture));
        }
        cells.add(String.valueOf(most));
        cells.add(String.valueOf(f.registers.get(90)));
        cells.add(String.valueOf(f.shared));
        cells.add(String.valueOf(f.spills));
        cells.add(String.format(Locale.ROOT, "%.3f", f.traffic));
        cells.add(percent(f.conflicts));
        return cells;
    }

    private static String percent(double value) {
        return String.format(Locale.ROOT, "%.1f %%", value);
    }
}
