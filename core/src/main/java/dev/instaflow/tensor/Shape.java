package dev.instaflow.tensor;

import java.util.Arrays;
import java.util.List;

/** The sizes of a tensor's dimensions, row-major, outermost first. Immutable. */
public final class Shape {
    private final long[] sizes;
    private final long count;

    private Shape(long[] sizes) {
        long product = 1;
        for (long size : sizes) {
            if (size < 0) {
                throw new IllegalArgumentException(
                        "shape " + Arrays.toString(sizes) + " has a negative size");
            }
            product = Math.multiplyExact(product, size);
        }
        this.sizes = sizes;
        this.count = product;
    }

    /**
     * A shape of the given sizes; none for a scalar.
     *
     * @param sizes each at least 0, copied
     * @return the shape
     * @throws IllegalArgumentException if a size is negative
     * @throws ArithmeticException if the element count exceeds a long
     */
    public static Shape of(long... sizes) {
        return new Shape(sizes.clone());
    }

    /**
     * The number of dimensions.
     *
     * @return 0 for a scalar
     */
    public int rank() {
        return sizes.length;
    }

    /**
     * The size of one dimension.
     *
     * @param axis 0 is the outermost; negative counts from the innermost, -1 being the last
     * @return at least 0
     */
    public long size(int axis) {
        return sizes[axis < 0 ? axis + sizes.length : axis];
    }

    /**
     * The size of one dimension, as an index of Java arrays.
     *
     * @param axis as in {@link #size(int)}
     * @return at least 0
     * @throws ArithmeticException if it exceeds an int
     */
    public int intSize(int axis) {
        return Math.toIntExact(size(axis));
    }

    /**
     * All sizes, as checkpoints have them.
     *
     * @return outermost first; empty for a scalar
     */
    public List<Long> sizes() {
        return Arrays.stream(sizes).boxed().toList();
    }

    /**
     * The product of all sizes.
     *
     * @return at least 0; 1 for a scalar
     */
    public long count() {
        return count;
    }

    /**
     * The same sizes with one replaced.
     *
     * @param axis as in {@link #size(int)}
     * @param size the new size
     * @return a new shape, or this one if nothing changes
     */
    public Shape with(int axis, long size) {
        if (size(axis) == size) {
            return this;
        }
        long[] copy = sizes.clone();
        copy[axis < 0 ? axis + sizes.length : axis] = size;
        return new Shape(copy);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape shape && Arrays.equals(sizes, shape.sizes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(sizes);
    }

    /** The sizes as {@code [2,64,64,4]}. */
    @Override
    public String toString() {
        return Arrays.toString(sizes).replace(" ", "");
    }
}
