package dev.instaflow.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SteadyStateTest {
    private static final SteadyState STATE = new SteadyState(0.25, 4, 9000, 1000, 100, 200);

    @Test
    void crossesTheProcessBorder() {
        assertEquals(STATE, SteadyState.ofLine(STATE.toLine()));
        assertThrows(IllegalArgumentException.class, () -> SteadyState.ofLine("1 2"));
    }

    @Test
    void figuresAreThoseOfOneImage() {
        assertEquals(16, STATE.imagesPerSecond());
        assertEquals(2000, STATE.garbageBytes());
        String row = SteadyStateReport.batches("batch", List.of(STATE)).toString();
        assertTrue(row.contains("| 4 | 250.0 | 16.0 | 2.0 | 0.0 | 0.0 |"), row);
    }

    @Test
    void heapBytesOfThisThreadAreSeen() {
        long before = AllocatedBytes.ofAllThreads();
        byte[] array = new byte[1 << 20];
        assertTrue(AllocatedBytes.ofAllThreads() - before >= array.length);
    }

    @Test
    void growthIsRelativeToTheFirstRow() {
        Map<String, StageSeconds> seconds = new LinkedHashMap<>();
        Map<String, StageFlops> flops = new LinkedHashMap<>();
        seconds.put("512", seconds(1));
        flops.put("512", new StageFlops(0, 1e9, 3e9));
        seconds.put("1024", seconds(5));
        flops.put("1024", new StageFlops(0, 10e9, 10e9));
        List<String> rows = SteadyStateReport.growth(seconds, flops).toString().lines().toList();
        assertEquals("| 512 | 1.00 | 1.00 | 2.00 | 4.00 | 2.00 | 1.00 | 3.00 |", rows.get(2));
        assertEquals("| 1024 | 5.00 | 5.00 | 10.00 | 20.00 | 2.00 | 1.00 | 3.00 |", rows.get(3));
    }

    private static StageSeconds seconds(double each) {
        StageTime time = new StageTime(each, each);
        return new StageSeconds(time, StageTime.ZERO, time, time, 2_000_000_000L, 3_000_000_000L);
    }
}
