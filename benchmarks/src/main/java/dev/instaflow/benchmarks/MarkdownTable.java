package dev.instaflow.benchmarks;

import java.util.ArrayList;
import java.util.List;

/** Rows of cells under a header: the first column for names, the others for figures. */
final class MarkdownTable {
    private final List<String> header;
    private final List<List<String>> rows = new ArrayList<>();

    MarkdownTable(List<String> header) {
        this.header = List.copyOf(header);
    }

    /**
     * Adds a row.
     *
     * @throws IllegalArgumentException if it has another number of cells than the header
     */
    MarkdownTable row(String name, List<String> figures) {
        if (figures.size() != header.size() - 1) {
            throw new IllegalArgumentException(
                    "row \"%s\" has %d figures under %s".formatted(name, figures.size(), header));
        }
        List<String> cells = new ArrayList<>(List.of(name));
        cells.addAll(figures);
        rows.add(cells);
        return this;
    }

    @Override
    public String toString() {
        StringBuilder table = new StringBuilder();
        append(table, header);
        table.append("|---").append("|---:".repeat(header.size() - 1)).append("|\n");
        rows.forEach(cells -> append(table, cells));
        return table.toString();
    }

    private static void append(StringBuilder table, List<String> cells) {
        table.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }
}
