package dev.instaflow.benchmarks.onnx;

import dev.instaflow.ops.FloatSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The file that holds all weights, since a model of more than 2 GB cannot hold them itself. */
final class WeightFile implements AutoCloseable {
    /** Where a tensor may begin, so that the runtime can map it. */
    private static final long ALIGNMENT = 4096;

    private static final int CHUNK = 1 << 20;

    private final FileChannel file;
    private final ByteBuffer bytes = ProtoWriter.little(CHUNK * Float.BYTES);
    private final float[] chunk = new float[CHUNK];
    private long end;

    private WeightFile(FileChannel file) {
        this.file = file;
    }

    static WeightFile create(Path path) throws IOException {
        return new WeightFile(
                FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
    }

    /** Returns the offset of the first byte. */
    synchronized long append(long count, FloatSource values) throws IOException {
        long start = (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        end = start;
        for (long done = 0; done < count; done += CHUNK) {
            int length = (int) Math.min(CHUNK, count - done);
            values.read(done, chunk, 0, length);
            bytes.clear();
            bytes.asFloatBuffer().put(chunk, 0, length);
            bytes.limit(length * Float.BYTES);
            while (bytes.hasRemaining()) {
                end += file.write(bytes, end);
            }
        }
        return start;
    }

    synchronized long sizeBytes() {
        return end;
    }

    /** Waits for the disk, which would otherwise be written to while something is timed. */
    void flush() throws IOException {
        file.force(false);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
