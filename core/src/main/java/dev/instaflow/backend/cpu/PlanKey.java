package dev.instaflow.backend.cpu;

import java.util.Arrays;

/** Which primitive: the operation and all numbers that it was made for. Compared by value. */
final class PlanKey {
    /** The operations; part of the key. */
    enum Op {
        CONV,
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

    private final Op op;
    private final long[] numbers;
    private final int hash;

    PlanKey(Op op, long... numbers) {
        this.op = op;
        this.numbers = numbers;
        this.hash = 31 * op.ordinal() + Arrays.hashCode(numbers);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PlanKey key
                && key.op == op
                && key.hash == hash
                && Arrays.equals(key.numbers, numbers);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public String toString() {
        return op + Arrays.toString(numbers);
    }
}
