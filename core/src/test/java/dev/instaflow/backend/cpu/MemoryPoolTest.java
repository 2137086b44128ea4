package dev.instaflow.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Arena;
import dev.instaflow.backend.OutOfDeviceMemoryException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryPoolTest {
    private final MemoryPool pool = new MemoryPool();

    @AfterEach
    void free() {
        pool.close();
        assertEquals(0, pool.heldBytes());
    }

    @ParameterizedTest
    @ValueSource(
            longs = {0, 1, 255, 256, 257, 288, 289, 511, 512, 513, 1000, 1L << 31, (1L << 40) + 1})
    void aClassHoldsItsRequestsAndWastesAtMostAnEighth(long bytes) {
        long size = MemoryPool.classBytes(MemoryPool.sizeClass(bytes));
        assertTrue(size >= bytes, size + " for " + bytes);
        assertTrue(size <= Math.max(256, bytes + bytes / 8 + 1), size + " for " + bytes);
    }

    @Test
    void classSizesIncreaseAndAreTheirOwnClass() {
        for (int c = 0; c < 400; c++) {
            assertEquals(c, MemoryPool.sizeClass(MemoryPool.classBytes(c)));
            assertEquals(c + 1, MemoryPool.sizeClass(MemoryPool.classBytes(c) + 1));
        }
    }

    @Test
    void blocksAreAlignedAndReused() {
        MemoryPool.Block first = pool.take(1000, "first");
        assertEquals(0, first.address() % MemoryPool.ALIGNMENT);
        MemoryPool.Block second = pool.take(1000, "second");
        assertNotSame(first, second);
        pool.give(first);
        assertSame(first, pool.take(970, "a little less"));
        assertEquals(2, pool.systemCalls());
        pool.give(first);
        pool.give(second);
    }

    @Test
    void aMuchLargerBlockIsNotSpentOnASmallRequest() {
        MemoryPool.Block large = pool.take(10_000, "large");
        pool.give(large);
        MemoryPool.Block small = pool.take(1000, "small");
        assertNotSame(large, small);
        pool.give(small);
    }

    @Test
    void largeBlocksOfOneStageServeTheNextWhateverTheSizes() {
        long megabyte = 1 << 20;
        List<MemoryPool.Block> stage = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            stage.add(pool.take(3 * megabyte + i, "first stage"));
            assertEquals(0, stage.get(i).address() % MemoryPool.ALIGNMENT);
        }
        long held = pool.heldBytes();
        assertTrue(held < 25 * megabyte, "held " + held);
        stage.forEach(pool::give);
        stage.clear();
        for (long bytes : new long[] {11, 5, 8}) {
            stage.add(pool.take(bytes * megabyte, "second stage"));
        }
        assertEquals(held, pool.heldBytes());
        assertEquals(1, pool.systemCalls());
        stage.forEach(pool::give);
    }

    @Test
    void whatIsIdleGoesBackWhenAskedForAndWhatIsInUseStays() {
        MemoryPool.Block large = pool.take(3 << 20, "large");
        MemoryPool.Block small = pool.take(1000, "small");
        pool.releaseIdle();
        assertTrue(pool.heldBytes() >= 3 << 20, "still in use");
        pool.give(large);
        pool.releaseIdle();
        assertTrue(pool.heldBytes() < 1 << 20 && pool.heldBytes() > 0, "the small one is in use");
        pool.give(small);
        pool.releaseIdle();
        assertEquals(0, pool.heldBytes());
    }

    @Test
    void rangesNeverOverlapAndMergeWhenTheyComeBack() {
        Random random = new Random(3);
        Arena arena = new Arena(1 << 12, 1 << 20, MemoryPool.ALIGNMENT);
        Map<Arena.Range, Long> taken = new HashMap<>();
        for (int i = 0; i < 2000; i++) {
            long bytes = 1 + random.nextInt(60_000);
            Arena.Range range = arena.take(bytes);
            if (range == null || random.nextInt(3) == 0) {
                Iterator<Arena.Range> any = taken.keySet().iterator();
                if (any.hasNext()) {
                    arena.give(any.next());
                    any.remove();
                }
            }
            if (range != null) {
                for (Map.Entry<Arena.Range, Long> other : taken.entrySet()) {
                    long from = other.getKey().address();
                    boolean apart =
                            from + other.getValue() <= range.address()
                                    || range.address() + bytes <= from;
                    assertTrue(apart, "ranges overlap at step " + i);
                }
                assertTrue(range.address() + bytes <= (1 << 12) + (1 << 20));
                taken.put(range, bytes);
            }
        }
        taken.keySet().forEach(arena::give);
        assertTrue(arena.isIdle());
        assertNotNull(arena.take(1 << 20), "all is one range again");
    }

    @Test
    void weightsLieTogetherAndGoBackToTheSystemWithTheLastOfThem() {
        List<MemoryPool.Block> model = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            model.add(pool.takeWeight(12_345, "weight"));
            assertEquals(0, model.get(i).address() % MemoryPool.ALIGNMENT);
        }
        model.add(pool.takeWeight(MemoryPool.WEIGHTS, "a large weight"));
        assertEquals(2, pool.systemCalls());
        long held = pool.heldBytes();
        assertTrue(held >= 100 * 12_345 + MemoryPool.WEIGHTS, "held " + held);
        assertTrue(held <= 100 * (12_345 + 64) + MemoryPool.WEIGHTS, "held " + held);
        MemoryPool.Block last = model.remove(50);
        model.forEach(pool::give);
        assertTrue(pool.heldBytes() < MemoryPool.WEIGHTS);
        assertTrue(pool.heldBytes() > 0);
        pool.give(last);
        assertEquals(0, pool.heldBytes());
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 50, Long.MAX_VALUE})
    void whatTheMachineDoesNotHaveIsRefused(long bytes) {
        MemoryPool.Block kept = pool.take(1000, "kept");
        OutOfDeviceMemoryException error =
                assertThrows(OutOfDeviceMemoryException.class, () -> pool.take(bytes, "scores"));
        assertTrue(error.getMessage().contains("for scores"), error.getMessage());
        assertTrue(error.getMessage().contains("1.0 KiB held"), error.getMessage());
        pool.give(kept);
    }
}
