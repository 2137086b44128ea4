package dev.instaflow.train.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.tensor.Shape;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LatentDataTest {
    private static final Shape SAMPLE = Shape.of(1, 2, 3);
    private static final LatentData.Example PLAIN = example(6, Optional.empty());
    private static final LatentData.Example PAIR = example(6, Optional.of(new float[6]));

    private static LatentData.Example example(int size, Optional<float[]> noise) {
        return new LatentData.Example(new float[size], noise, List.of(new int[1]));
    }

    private static String refusal(LatentData.Example... examples) {
        List<LatentData.Example> list = List.of(examples);
        return assertThrows(IllegalArgumentException.class, () -> new LatentData(SAMPLE, list))
                .getMessage();
    }

    @Test
    void pairsAmongOtherExamplesAreRefused() {
        String message = refusal(PLAIN, PAIR, PLAIN);
        assertTrue(message.startsWith("1 of 3 examples"), message);
        LatentData plain = new LatentData(SAMPLE, List.of(PLAIN));
        LatentData pairs = new LatentData(SAMPLE, List.of(PAIR, PAIR));
        assertThrows(IllegalArgumentException.class, () -> plain.and(pairs));
        assertEquals(4, pairs.and(pairs).examples().size());
    }

    @Test
    void refusalTellsWhichArrayDoesNotFit() {
        String latent = refusal(example(5, Optional.empty()));
        assertTrue(latent.startsWith("a latent of 5 values, expected 6"), latent);
        String noise = refusal(example(6, Optional.of(new float[7])));
        assertTrue(noise.startsWith("a noise of 7 values, expected 6"), noise);
    }
}
