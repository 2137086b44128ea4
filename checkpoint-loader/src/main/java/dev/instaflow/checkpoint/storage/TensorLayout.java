package dev.instaflow.checkpoint.storage;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Where the elements of a tensor lie in its storage, checked: every index that a shape allows is
 * inside the storage, and no product or sum overflows. Units are elements.
 *
 * @param shape sizes, each at least 0
 * @param strides one for each size, at least 0
 * @param offset of the first element, at least 0
 */
public record TensorLayout(List<Long> shape, List<Long> strides, long offset) {
    /** What torch itself allows. */
    private static final int MOST_DIMENSIONS = 64;

    /** An expanded tensor (stride 0) may be larger than its storage, up to this many elements. */
    private static final long MOST_EXPANDED = 1L << 28;

    /** Checks what needs no storage: ranks and signs. */
    public TensorLayout {
        shape = List.copyOf(shape);
        strides = List.copyOf(strides);
        if (shape.size() > MOST_DIMENSIONS) {
            throw new IllegalArgumentException(
                    shape.size() + " dimensions, at most " + MOST_DIMENSIONS + " are allowed");
        }
        if (shape.size() != strides.size()) {
            throw new IllegalArgumentException(
                    shape.size() + " sizes but " + strides.size() + " strides");
        }
        requireNotNegative("size", shape);
        requireNotNegative("stride", strides);
        if (offset < 0) {
            throw new IllegalArgumentException("storage offset " + offset + " is negative");
        }
        count(shape);
    }

    /**
     * Row-major elements without gaps.
     *
     * @param shape sizes
     * @return a layout at offset 0
     * @throws IllegalArgumentException if a size is negative or their product overflows
     */
    public static TensorLayout contiguous(List<Long> shape) {
        requireNotNegative("shape", shape);
        count(shape);
        Long[] strides = new Long[shape.size()];
        long stride = 1;
        for (int i = strides.length - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= Math.max(1, shape.get(i)); // bounded by the product that count() checked
        }
        return new TensorLayout(shape, List.of(strides), 0);
    }

    /**
     * The number of elements.
     *
     * @return the product of the sizes, 1 for a scalar
     */
    public long count() {
        return count(shape);
    }

    /**
     * The same layout, if all of it is inside a storage.
     *
     * @param storageCount elements in the storage
     * @return this
     * @throws IllegalArgumentException if it reaches past the storage, or claims absurdly more than it
     */
    public TensorLayout requireInside(long storageCount) {
        long count = count();
        if (count == 0) {
            return this;
        }
        long last = offset;
        try {
            for (int i = 0; i < shape.size(); i++) {
                last = Math.addExact(last, Math.multiplyExact(shape.get(i) - 1, strides.get(i)));
            }
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(
                    "stride "
                            + strides
                            + " times size "
                            + shape
                            + " overflows; the storage has "
                            + storageCount
                            + " elements",
                    e);
        }
        if (last >= storageCount) {
            throw new IllegalArgumentException(
                    "offset "
                            + offset
                            + ", size "
                            + shape
                            + ", stride "
                            + strides
                            + " reach element "
                            + last
                            + ", the storage has "
                            + storageCount);
        }
        if (count > storageCount && count > MOST_EXPANDED) {
            throw new IllegalArgumentException(
                    "size "
                            + shape
                            + " expands "
                            + storageCount
                            + " elements to "
                            + count
                            + ", at most "
                            + MOST_EXPANDED
                            + " are allowed");
        }
        return this;
    }

    /**
     * The shortest description of the same order of elements: dimensions of size 1 are dropped, and
     * neighbours that follow each other without a gap are joined.
     *
     * @return the same elements in the same order; never empty
     */
    TensorLayout joined() {
        List<Long> sizes = new ArrayList<>();
        List<Long> steps = new ArrayList<>();
        for (int i = shape.size() - 1; i >= 0; i--) {
            long size = shape.get(i);
            int inner = sizes.size() - 1;
            if (size == 1) {
                continue;
            }
            if (inner >= 0 && strides.get(i) == steps.get(inner) * sizes.get(inner)) {
                sizes.set(inner, size * sizes.get(inner));
            } else {
                sizes.add(size);
                steps.add(strides.get(i));
            }
        }
        if (sizes.isEmpty()) {
            sizes.add(1L);
            steps.add(1L);
        }
        Collections.reverse(sizes);
        Collections.reverse(steps);
        return new TensorLayout(sizes, steps, offset);
    }

    private static void requireNotNegative(String what, List<Long> values) {
        for (long value : values) {
            if (value < 0) {
                String all = values.stream().map(String::valueOf).collect(Collectors.joining(", "));
                throw new IllegalArgumentException(what + " [" + all + "] has a negative number");
            }
        }
    }

    private static long count(List<Long> shape) {
        if (shape.contains(0L)) {
            return 0;
        }
        long count = 1;
        try {
            for (long size : shape) {
                count = Math.multiplyExact(count, size);
            }
            Math.multiplyExact(count, 8L); // so that byte counts cannot overflow either
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(
                    "the product of shape (size) " + shape + " overflows", e);
        }
        return count;
    }
}
