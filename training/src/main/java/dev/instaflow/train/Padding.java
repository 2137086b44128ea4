package dev.instaflow.train;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/**
 * Zeros around a slice, the gradient of slicing.
 *
 * @param axis -1 for channels, 0 for the batch
 * @param whole the shape before slicing
 * @param from first index of the slice
 * @param to one past its last index
 */
record Padding(int axis, Shape whole, long from, long to) {
    /** A tensor of the whole shape, owned by the scope of {@code ops}. */
    Tensor around(Ops ops, Tensor slice) {
        Tensor padded = slice;
        if (from > 0) {
            padded = join(ops, zeros(ops, from), padded);
        }
        long after = whole.size(axis) - to;
        if (after > 0) {
            padded = join(ops, padded, zeros(ops, after));
        }
        return padded == slice ? ops.view(slice, whole) : padded;
    }

    private Tensor zeros(Ops ops, long size) {
        Shape shape = whole.with(axis, size);
        return ops.tensor("zeros", shape, new float[Math.toIntExact(shape.count())]);
    }

    private Tensor join(Ops ops, Tensor a, Tensor b) {
        return axis == 0 ? ops.concatBatch(a, b) : ops.concatChannels(a, b);
    }
}
