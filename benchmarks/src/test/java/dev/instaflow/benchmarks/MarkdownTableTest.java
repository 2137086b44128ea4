package dev.instaflow.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class MarkdownTableTest {
    @Test
    void namesStandLeftAndFiguresRight() {
        MarkdownTable table = new MarkdownTable(List.of("what", "a", "b"));
        table.row("x", List.of("1", "2"));
        assertEquals("| what | a | b |\n|---|---:|---:|\n| x | 1 | 2 |\n", table.toString());
    }

    @Test
    void refusesARowOfAnotherWidth() {
        MarkdownTable table = new MarkdownTable(List.of("what", "a"));
        assertThrows(IllegalArgumentException.class, () -> table.row("x", List.of("1", "2")));
    }
}
