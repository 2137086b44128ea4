package dev.instaflow.tensor;

import dev.instaflow.checkpoint.DType;

/**
 * A handle on values in a backend's memory. Channels last: an image {@code [N,H,W,C]} is the same
 * memory as the sequence {@code [N,H*W,C]}. Weights keep the file's shape, conv {@code [Co,Ci,K,K]}
 * and linear {@code [Out,In]}, however the backend has packed them. Not thread-safe, but a tensor that
 * nobody closes (a weight) may be read from any thread.
 */
public final class Tensor implements AutoCloseable {
    private final String name;
    private final Shape shape;
    private final DType dtype;
    private final Storage storage;
    private Object closedBy;

    /**
     * A tensor over a storage, which it takes over: the caller's count becomes the tensor's.
     *
     * @param name for messages: a layer, a key of the file or a role such as {@code latents}
     * @param shape the sizes
     * @param dtype the element type
     * @param storage memory of at least that many elements
     */
    public Tensor(String name, Shape shape, DType dtype, Storage storage) {
        this.name = name;
        this.shape = shape;
        this.dtype = dtype;
        this.storage = storage;
    }

    /**
     * Another shape over the same memory.
     *
     * @param newShape as many elements as this one
     * @return a tensor with a claim of its own on the memory, to be closed by the caller or a scope
     * @throws IllegalArgumentException if the counts differ
     */
    public Tensor view(Shape newShape) {
        if (newShape.count() != shape.count()) {
            throw new IllegalArgumentException(
                    "view of " + this + " as " + newShape + ": the counts differ");
        }
        Storage shared = storage();
        shared.retain();
        return new Tensor(name, newShape, dtype, shared);
    }

    /**
     * What messages call it.
     *
     * @return the name given at construction
     */
    public String name() {
        return name;
    }

    /**
     * The sizes.
     *
     * @return the logical shape, whatever the packing
     */
    public Shape shape() {
        return shape;
    }

    /**
     * The element type.
     *
     * @return the type of the values in memory
     */
    public DType dtype() {
        return dtype;
    }

    /**
     * The memory, for the backend that made it.
     *
     * @return the storage
     * @throws IllegalStateException if the tensor has been closed
     */
    public Storage storage() {
        if (closedBy != null) {
            throw new IllegalStateException("tensor " + this + " used after " + closedBy);
        }
        return storage;
    }

    /** Gives the memory back; a second call does nothing. */
    @Override
    public void close() {
        close("it was closed");
    }

    /**
     * Gives the memory back and remembers why, for the message that a later use gets.
     *
     * @param reason its text completes "used after …"; asked for only then
     */
    public void close(Object reason) {
        if (closedBy == null) {
            closedBy = reason;
            storage.release();
        }
    }

    /** As {@code "latents" [2,64,64,4] F32}. */
    @Override
    public String toString() {
        return '"' + name + "\" " + shape + ' ' + dtype;
    }
}
