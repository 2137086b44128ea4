package dev.instaflow.ptx.run;

import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Which PTX lines of a kernel were executed, over any number of its launches. Not thread-safe. */
public final class Coverage {
    private final SortedMap<Integer, Long> runs = new TreeMap<>();

    /** Adds a launch of the kernel that this is about. */
    public void add(LaunchReport report) {
        report.counts().warpsByLine().forEach((line, n) -> runs.merge(line, n, Long::sum));
    }

    /** Share of lines with instructions that were executed, 0 to 1; 1 if there are none. */
    public double ratio() {
        return runs.isEmpty() ? 1 : 1 - (double) missedLines().size() / runs.size();
    }

    /** Lines with instructions that no launch executed. */
    public List<Integer> missedLines() {
        return runs.entrySet().stream()
                .filter(e -> e.getValue() == 0)
                .map(Map.Entry::getKey)
                .toList();
    }
}
