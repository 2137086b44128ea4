package dev.instaflow.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class StageSecondsTest {
    @Test
    void crossesTheProcessBorder() {
        StageSeconds times = new StageSeconds(1.5, 0.25, 7, 24.125, 5_500_000_000L);
        assertEquals(times, StageSeconds.ofLine(times.toLine()));
    }

    @Test
    void theBestIsTheFastestOfEachStageAndTheMostMemory() {
        StageSeconds one = new StageSeconds(1, 5, 3, 8, 10);
        StageSeconds other = new StageSeconds(2, 4, 9, 7, 20);
        assertEquals(new StageSeconds(1, 4, 3, 7, 20), one.best(other));
    }
}
