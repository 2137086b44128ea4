package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class TimeLeftTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void theTimeLeftIsToldByTheTimeTaken() {
        TimeLeft left = new TimeLeft(5 * SECOND);
        assertEquals(
                " 25% [" + "#".repeat(8) + "-".repeat(22) + "] 1:00:00 left  work",
                left.line("work", 0.25, (5 + 1200) * SECOND));
    }

    @Test
    void whatWasDoneBeforeTellsNothingAboutTheTime() {
        TimeLeft left = new TimeLeft(0, 0.5);
        assertEquals(
                " 75% [" + "#".repeat(23) + "-".repeat(7) + "] 0:01:00 left  work",
                left.line("work", 0.75, 60 * SECOND));
        assertEquals(
                " 50% [" + "#".repeat(15) + "-".repeat(15) + "]  work",
                left.line("work", 0.5, SECOND));
    }

    @Test
    void nothingIsToldAtTheBeginning() {
        assertEquals(
                "  0% [" + "-".repeat(30) + "]  work", new TimeLeft(0).line("work", 0, SECOND));
    }
}
