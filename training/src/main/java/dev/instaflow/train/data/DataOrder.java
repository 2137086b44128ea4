package dev.instaflow.train.data;

import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;

/**
 * Which examples a step sees: every one once an epoch, in an order that seed and epoch determine, so that
 * the step number is all there is to remember. Not thread-safe.
 */
public final class DataOrder implements ExampleOrder {
    private final long seed;
    private final int size;
    private long epoch = -1;
    private int[] order = new int[0];

    /**
     * An order.
     *
     * @param seed of the run
     * @param size number of examples
     */
    public DataOrder(long seed, int size) {
        if (size < 1) {
            throw new IllegalArgumentException(
                    "an order of " + size + " examples, expected at least 1");
        }
        this.seed = seed;
        this.size = size;
    }

    @Override
    public int[] examples(long position, int count) {
        int[] numbers = new int[count];
        for (int i = 0; i < count; i++) {
            long at = position + i;
            if (at / size != epoch) {
                epoch = at / size;
                order = RandomStream.of(seed, Purpose.ORDER, epoch).permutation(size);
            }
            numbers[i] = order[(int) (at % size)];
        }
        return numbers;
    }
}
