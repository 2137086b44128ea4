package dev.instaflow.backend.cpu;

import java.util.Arrays;

/**
 * Which primitive: the operation and all numbers that it was made for. Compared by value. {@link
 * PlanCache#key} lends keys, so that looking for a plan makes no garbage.
 */
final class PlanKey {
    /** The operations; part of the key. */
    enum Op {
        CONV,
        AXIS_TRANSFORM,
        STRIP_PRODUCTS,
        STRIP_SCATTER,
        STRIP_SUM,
        STRIP_PASS,
        KERNEL_TRANSFORM,
        LINEAR,
        SCORES,
        SOFTMAX,
        WEIGHTED_SUM,
        LAYER_NORM,
        PER_CHANNEL,
        BINARY,
        ELTWISE,
        COPY,
        UPSAMPLE,
        PACK,
        CONV_INPUT,
        CONV_WEIGHT,
        LINEAR_INPUT,
        LINEAR_WEIGHT,
        ATTENTION_PRODUCT,
        SOFTMAX_GRADIENT,
        LAYER_NORM_STATISTICS,
        LAYER_NORM_GRADIENT,
        ELTWISE_GRADIENT
    }

    /** As many as a convolution has. */
    private static final int MOST_NUMBERS = 13;

    private final long[] numbers = new long[MOST_NUMBERS];
    private Op op;
    private int count;
    private int hash;

    /** Both are {@link PlanCache}'s. */
    boolean lent;

    PlanKey next;

    PlanKey(Op op, long... numbers) {
        restart(op);
        for (long number : numbers) {
            with(number);
        }
    }

    /** Forgets everything and begins with an operation. */
    PlanKey restart(Op newOp) {
        op = newOp;
        count = 0;
        hash = newOp.ordinal();
        return this;
    }

    /** Adds a number; not to be called once the key is in a map. */
    PlanKey with(long number) {
        numbers[count++] = number;
        hash = 31 * hash + Long.hashCode(number);
        return this;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PlanKey key
                && key.hash == hash
                && key.op == op
                && Arrays.equals(key.numbers, 0, key.count, numbers, 0, count);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public String toString() {
        return op + Arrays.toString(Arrays.copyOf(numbers, count));
    }
}
