package dev.instaflow.checkpoint.layout;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import java.io.IOException;
import java.util.List;

/** An entry under another name, in a shape with the same elements in the same order. */
record RenamedEntry(Entry source, String name, List<Long> shape) implements Entry {
    static Entry of(Entry source, String name, List<Long> shape) {
        boolean same = source.name().equals(name) && source.shape().equals(shape);
        return same ? source : new RenamedEntry(source, name, List.copyOf(shape));
    }

    @Override
    public DType dtype() {
        return source.dtype();
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
}
