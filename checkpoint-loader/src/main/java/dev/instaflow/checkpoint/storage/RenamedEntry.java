package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** The same tensor under another key, and if need be with other sizes of the same product. */
public final class RenamedEntry implements Entry {
    private final Entry source;
    private final String name;
    private final List<Long> shape;

    private RenamedEntry(Entry source, String name, List<Long> shape) {
        this.source = source;
        this.name = name;
        this.shape = shape;
    }

    /**
     * Another name.
     *
     * @param source not copied
     * @param name the new key
     * @return a view
     */
    public static RenamedEntry of(Entry source, String name) {
        return new RenamedEntry(source, name, source.shape());
    }

    /**
     * Another name and other sizes, for a 1x1 convolution that becomes a matrix, and back.
     *
     * @param source not copied
     * @param name the new key
     * @param shape with the same number of elements
     * @return a view
     * @throws IllegalArgumentException if the number of elements differs
     */
    public static RenamedEntry of(Entry source, String name, List<Long> shape) {
        if (TensorLayout.contiguous(shape).count() != source.count()) {
            throw new IllegalArgumentException(
                    "tensor "
                            + Escaped.quote(source.name())
                            + " "
                            + source.shape()
                            + " cannot become "
                            + shape);
        }
        return new RenamedEntry(source, name, List.copyOf(shape));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public DType dtype() {
        return source.dtype();
    }

    @Override
    public List<Long> shape() {
        return shape;
    }

    @Override
    public void readFloats(long first, float[] target, int offset, int length) throws IOException {
        source.readFloats(first, target, offset, length);
    }

    @Override
    public void readLongs(long first, long[] target, int offset, int length) throws IOException {
        source.readLongs(first, target, offset, length);
    }

    @Override
    public void readBytes(long first, byte[] target, int offset, int length) throws IOException {
        source.readBytes(first, target, offset, length);
    }

    @Override
    public void readBytes(long first, ByteBuffer target) throws IOException {
        source.readBytes(first, target);
    }

    @Override
    public String toString() {
        return Escaped.quote(name) + " " + dtype() + " " + shape;
    }
}
