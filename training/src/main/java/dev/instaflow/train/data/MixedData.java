package dev.instaflow.train.data;

import dev.instaflow.tensor.Shape;

/**
 * Two sets of examples, shown at a fixed share: pairs of a teacher with data, for instance. The share holds for
 * any stretch of a run to within one example, and each set goes through its own epochs.
 *
 * @param first numbered from 0
 * @param second numbered after the first
 * @param share of the first, in (0,1)
 */
public record MixedData(TrainingData first, TrainingData second, double share)
        implements TrainingData {
    /** An odd number, so that the sets have orders of their own even where their sizes are equal. */
    private static final long OTHER_SEED = 0x9E3779B97F4A7C15L;

    /** Checks share and shapes. */
    public MixedData {
        if (!(share > 0 && share < 1)) {
            throw new IllegalArgumentException(
                    "share " + share + " of a mixture, expected in (0,1)");
        }
        if (!first.sample().equals(second.sample())) {
            throw new IllegalArgumentException(
                    "latents of %s cannot be mixed with latents of %s"
                            .formatted(first.sample(), second.sample()));
        }
        Math.addExact(first.size(), second.size());
    }

    @Override
    public Shape sample() {
        return first.sample();
    }

    @Override
    public int size() {
        return first.size() + second.size();
    }

    @Override
    public LatentData.Example example(int number) {
        return number < first.size()
                ? first.example(number)
                : second.example(number - first.size());
    }

    @Override
    public String digest() {
        return new ContentDigest()
                .add(first.digest())
                .add(second.digest())
                .add(Double.doubleToLongBits(share))
                .hex();
    }

    @Override
    public ExampleOrder order(long seed) {
        ExampleOrder ofFirst = first.order(seed);
        ExampleOrder ofSecond = second.order(seed + OTHER_SEED);
        return (position, count) -> {
            int[] numbers = new int[count];
            for (int i = 0; i < count; i++) {
                long at = position + i;
                long before = (long) Math.floor(at * share); // of the first set
                boolean isFirst = (long) Math.floor((at + 1) * share) != before;
                numbers[i] =
                        isFirst
                                ? ofFirst.examples(before, 1)[0]
                                : first.size() + ofSecond.examples(at - before, 1)[0];
            }
            return numbers;
        };
    }
}
