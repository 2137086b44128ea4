package dev.instaflow.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class StageSecondsTest {
    private static StageSeconds times(double load, double text, double unet, double vae) {
        return new StageSeconds(
                new StageTime(load, load + 0.5),
                new StageTime(text, text + 0.5),
                new StageTime(unet, unet + 0.5),
                new StageTime(vae, vae + 0.5),
                4_000_000_000L + (long) load,
                5_500_000_000L + (long) load);
    }

    @Test
    void crossesTheProcessBorder() {
        StageSeconds times = times(1.5, 0.25, 7, 24.125);
        assertEquals(times, StageSeconds.ofLine(times.toLine()));
        assertThrows(IllegalArgumentException.class, () -> StageSeconds.ofLine("1 2 3"));
    }

    @Test
    void theBestIsTheFastestOfEachStageAndTheMostMemory() {
        StageSeconds best = times(1, 5, 3, 8).best(times(2, 4, 9, 7));
        assertEquals(new StageTime(1, 1.5), best.load());
        assertEquals(new StageTime(4 + 3 + 7, 4 + 3 + 7 + 1.5), best.step());
        assertEquals(5_500_000_002L, best.peakBytes());
    }
}
