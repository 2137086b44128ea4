package dev.instaflow.checkpoint.storage;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;

/** A tensor whose values are worked out as they are read, in F32; a subclass says how. */
public abstract class ComputedEntry implements Entry {
    /** Elements worked out at a time. */
    private static final int CHUNK = 1 << 12;

    private final String name;
    private final List<Long> shape;

    /**
     * A tensor.
     *
     * @param name its key
     * @param shape its sizes
     */
    protected ComputedEntry(String name, List<Long> shape) {
        this.name = name;
        this.shape = List.copyOf(shape);
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public DType dtype() {
        return DType.F32;
    }

    @Override
    public final List<Long> shape() {
        return shape;
    }

    @Override
    public final void readLongs(long first, long[] target, int offset, int length)
            throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        float[] chunk = new float[Math.min(CHUNK, length)];
        for (int done = 0; done < length; done += chunk.length) {
            int n = Math.min(chunk.length, length - done);
            readFloats(first + done, chunk, 0, n);
            for (int i = 0; i < n; i++) {
                target[offset + done + i] = (long) chunk[i];
            }
        }
    }

    @Override
    public void readBytes(long first, byte[] target, int offset, int length) throws IOException {
        int size = Float.BYTES;
        Objects.checkFromIndexSize((long) offset, (long) length * size, (long) target.length);
        float[] chunk = new float[Math.min(CHUNK, length)];
        for (int done = 0; done < length; done += chunk.length) {
            int n = Math.min(chunk.length, length - done);
            readFloats(first + done, chunk, 0, n);
            ByteBuffer.wrap(target, offset + done * size, n * size)
                    .slice()
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer()
                    .put(chunk, 0, n);
        }
    }

    @Override
    public final String toString() {
        return Escaped.quote(name) + " " + dtype() + " " + shape;
    }
}
