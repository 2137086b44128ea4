package dev.instaflow.nn;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;

/** Fails at the first block whose output is not all finite, instead of letting it become a black image. */
public enum FiniteCheck implements BlockMonitor {
    /** The only one; it keeps nothing. */
    INSTANCE;

    /**
     * Looks at every value.
     *
     * @throws NonFiniteException if one is a NaN or an infinity
     */
    @Override
    public void after(String block, Ops ops, Tensor output) {
        if (!ops.isFinite(output)) {
            throw new NonFiniteException(describe(block, output, ops.toArray(output)));
        }
    }

    /** What is not finite stays so: the last block tells, if less precisely where it began. */
    @Override
    public boolean watchesAll() {
        return false;
    }

    private static String describe(String block, Tensor output, float[] values) {
        long nans = 0;
        long infinities = 0;
        float least = Float.POSITIVE_INFINITY;
        float most = Float.NEGATIVE_INFINITY;
        for (float value : values) {
            if (Float.isNaN(value)) {
                nans++;
            } else if (Float.isInfinite(value)) {
                infinities++;
            } else {
                least = Math.min(least, value);
                most = Math.max(most, value);
            }
        }
        String range =
                least > most
                        ? "no value is finite"
                        : "the finite values lie in [%s, %s]".formatted(least, most);
        return "%s: output %s has %d NaN and %d infinite values of %d; %s"
                .formatted(block, output, nans, infinities, values.length, range);
    }
}
