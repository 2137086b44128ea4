package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;

/** An entry over bytes: checks ranges and converts; subclasses find the bytes. */
abstract class LaidOutEntry implements Entry {
    private final String name;
    private final DType dtype;
    private final TensorLayout layout;

    /** What is done with the elements of one run: {@code at} counts from the start of the read. */
    @FunctionalInterface
    interface Sink {
        void accept(ByteBuffer in, Elements.Run run, int at);
    }

    LaidOutEntry(String name, DType dtype, TensorLayout layout) {
        this.name = name;
        this.dtype = dtype;
        this.layout = layout;
    }

    /** Hands the elements of a range that is inside the tensor to the sink, in order. */
    abstract void read(long first, int length, Sink sink) throws IOException;

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final DType dtype() {
        return dtype;
    }

    @Override
    public final List<Long> shape() {
        return layout.shape();
    }

    @Override
    public final void readFloats(long first, float[] target, int offset, int length)
            throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        Objects.checkFromIndexSize(first, (long) length, count());
        read(
                first,
                length,
                (in, run, at) -> Elements.toFloats(dtype, in, run, target, offset + at));
    }

    @Override
    public final void readLongs(long first, long[] target, int offset, int length)
            throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        Objects.checkFromIndexSize(first, (long) length, count());
        read(first, length, (in, run, at) -> Elements.toLongs(dtype, in, run, target, offset + at));
    }

    @Override
    public final void readBytes(long first, byte[] target, int offset, int length)
            throws IOException {
        int size = dtype.sizeBytes();
        Objects.checkFromIndexSize((long) offset, (long) length * size, (long) target.length);
        Objects.checkFromIndexSize(first, (long) length, count());
        read(
                first,
                length,
                (in, run, at) -> Elements.toBytes(dtype, in, run, target, offset + at * size));
    }

    @Override
    public final String toString() {
        return Escaped.quote(name) + " " + dtype + " " + shape();
    }
}
