package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.pipeline.Progress;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
    @Test
    void lineShowsStageAndShare() {
        assertEquals("text       0% [" + "-".repeat(30) + "]", line(Progress.Stage.TEXT, 0));
        assertEquals(
                "denoise   50% [" + "#".repeat(15) + "-".repeat(15) + "]",
                line(Progress.Stage.DENOISE, 0.5));
        assertEquals("decode   100% [" + "#".repeat(30) + "]", line(Progress.Stage.DECODE, 1));
    }

    private static String line(Progress.Stage stage, double fraction) {
        return ProgressBar.line(new Progress(stage, "block", fraction));
    }
}
