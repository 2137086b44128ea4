package dev.instaflow.checkpoint.layout;

import java.util.List;

/**
 * A tensor that an architecture has.
 *
 * @param name its CompVis name
 * @param shape its dimensions, as CompVis stores them
 */
public record TensorSpec(String name, List<Long> shape) {
    /**
     * Takes a copy of the shape.
     *
     * @param name not empty
     * @param shape each dimension at least 0
     */
    public TensorSpec {
        shape = List.copyOf(shape);
    }

    /**
     * The number of elements.
     *
     * @return the product of the dimensions
     * @throws ArithmeticException if that is more than a long holds
     */
    public long count() {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }

    /**
     * The number of elements of many tensors.
     *
     * @param tensors any
     * @return their sum
     * @throws ArithmeticException if that is more than a long holds
     */
    public static long count(List<TensorSpec> tensors) {
        return tensors.stream().mapToLong(TensorSpec::count).reduce(0, Math::addExact);
    }
}
