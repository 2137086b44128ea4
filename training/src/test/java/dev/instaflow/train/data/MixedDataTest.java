package dev.instaflow.train.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.instaflow.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MixedDataTest {
    private static LatentData data(int size, float value) {
        return new LatentData(
                Shape.of(1, 1, 1),
                IntStream.range(0, size)
                        .mapToObj(
                                i ->
                                        new LatentData.Example(
                                                new float[] {value + i},
                                                Optional.empty(),
                                                List.of(new int[] {i})))
                        .toList());
    }

    @Test
    void shareHoldsInEveryStretchAndAllExamplesAreShown() {
        MixedData mixed = new MixedData(data(5, 0), data(40, 100), 0.3);
        assertEquals(45, mixed.size());
        assertEquals(104, mixed.example(5 + 4).latent()[0]);
        int[] numbers = mixed.order(1).examples(0, 1000);
        for (int from = 0; from + 50 <= 1000; from += 7) {
            long ofFirst =
                    Arrays.stream(numbers, from, from + 50).filter(number -> number < 5).count();
            assertEquals(15, ofFirst, 1);
        }
        assertEquals(45, Arrays.stream(numbers, 0, 60).distinct().count(), 3);
        int[] firstEpoch = Arrays.stream(numbers).filter(number -> number < 5).limit(5).toArray();
        assertEquals(5, Arrays.stream(firstEpoch).distinct().count());
    }

    @Test
    void orderIsAFunctionOfThePosition() {
        MixedData mixed = new MixedData(data(5, 0), data(7, 100), 0.6);
        int[] atOnce = mixed.order(3).examples(0, 90);
        ExampleOrder later = mixed.order(3);
        assertArrayEquals(Arrays.copyOfRange(atOnce, 40, 60), later.examples(40, 20));
        assertArrayEquals(Arrays.copyOfRange(atOnce, 10, 20), later.examples(10, 10));
    }

    @Test
    void digestTellsSharesAndContentsApart() {
        MixedData mixed = new MixedData(data(5, 0), data(7, 100), 0.6);
        assertEquals(mixed.digest(), new MixedData(data(5, 0), data(7, 100), 0.6).digest());
        assertNotEquals(mixed.digest(), new MixedData(data(5, 0), data(7, 100), 0.5).digest());
        assertNotEquals(mixed.digest(), new MixedData(data(5, 1), data(7, 100), 0.6).digest());
    }

    @Test
    void nothingOfOneKindIsNoMixture() {
        for (double share : new double[] {0, 1, Double.NaN}) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> new MixedData(data(1, 0), data(1, 0), share));
        }
    }
}
