package dev.instaflow.train.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DataOrderTest {
    private static final int SIZE = 101;

    @Test
    void everyExampleComesOnceAnEpoch() {
        DataOrder order = new DataOrder(9, SIZE);
        for (int epoch = 0; epoch < 3; epoch++) {
            int[] seen = order.examples((long) epoch * SIZE, SIZE);
            Arrays.sort(seen);
            assertArrayEquals(IntStream.range(0, SIZE).toArray(), seen);
        }
    }

    @Test
    void epochsAndSeedsHaveOrdersOfTheirOwn() {
        int[] first = new DataOrder(9, SIZE).examples(0, SIZE);
        assertFalse(Arrays.equals(first, new DataOrder(9, SIZE).examples(SIZE, SIZE)));
        assertFalse(Arrays.equals(first, new DataOrder(10, SIZE).examples(0, SIZE)));
    }

    @Test
    void anyPositionCanBeTheStart() {
        int[] all = new DataOrder(9, SIZE).examples(0, 3 * SIZE);
        for (int from : new int[] {1, 60, 100, 101, 250}) {
            int[] some = new DataOrder(9, SIZE).examples(from, 40);
            assertArrayEquals(Arrays.copyOfRange(all, from, from + 40), some);
            assertEquals(40, some.length);
        }
    }
}
