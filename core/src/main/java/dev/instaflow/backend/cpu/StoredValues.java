package dev.instaflow.backend.cpu;

import dev.instaflow.backend.BackendException;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.SmallFloats;
import dev.instaflow.ops.FloatSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;

/** Reads the values of weights to native memory, as they are stored or widened to F32. Thread-safe. */
final class StoredValues {
    /** Most bytes that one buffer shows. */
    private static final long PIECE = 1L << 28;

    /** Halves widened at once: they and their floats stay in the second-level cache. */
    private static final int CHUNK = 1 << 14;

    private final CpuEngine engine;

    StoredValues(CpuEngine engine) {
        this.engine = engine;
    }

    /** Native memory as a buffer, in the byte order of this machine. */
    static ByteBuffer view(long address, long bytes) {
        BytePointer pointer = new BytePointer(new NativeAddress().at(address));
        return pointer.capacity(bytes).asByteBuffer();
    }

    /** Copies values as they are stored. */
    static void readRaw(FloatSource values, long first, long to, long count) throws IOException {
        int size = values.stored().sizeBytes();
        long most = PIECE / size;
        for (long done = 0; done < count; done += most) {
            long length = Math.min(most, count - done);
            values.readStored(first + done, view(to + done * size, length * size));
        }
    }

    /** Copies values as F32. */
    void readFloats(FloatSource values, long first, long to, long count) throws IOException {
        if (values.stored() == DType.F32) {
            readRaw(values, first, to, count);
            return;
        }
        int most = (int) Math.min(count, CHUNK);
        ByteBuffer bytes = ByteBuffer.allocate(most * Short.BYTES).order(ByteOrder.nativeOrder());
        short[] halves = new short[most];
        Staging staging = engine.takeStaging();
        try {
            float[] floats = staging.array(0, most);
            for (long done = 0; done < count; done += most) {
                int length = (int) Math.min(most, count - done);
                values.readStored(first + done, bytes.clear().limit(length * Short.BYTES));
                bytes.flip().asShortBuffer().get(halves, 0, length);
                widen(values.stored(), halves, floats, length);
                staging.cursor.write(to + CpuStorage.bytesOf(done), floats, length);
            }
        } finally {
            engine.give(staging);
        }
    }

    private static void widen(DType type, short[] halves, float[] floats, int count) {
        if (type == DType.F16) {
            SmallFloats.widenF16(halves, floats, 0, count);
        } else {
            SmallFloats.widenBf16(halves, floats, 0, count);
        }
    }

    /**
     * The type to bring values of this type to oneDNN in: their own where it packs them with instructions of
     * this processor, else F32.
     */
    DType packable(DType stored) {
        if (stored == DType.F32) {
            return stored;
        }
        long[] dims = {64, 64};
        try (Layout from = Layout.strided(stored, dims, 64, 1);
                Layout to = Layout.strided(dims, 1, 64)) {
            Plan plan = WeightPacker.reorder(engine, from, to);
            try {
                return plan.implementation().startsWith("jit") ? stored : DType.F32;
            } finally {
                plan.release();
            }
        } catch (BackendException e) {
            return DType.F32; // oneDNN does not know the type on this processor
        }
    }
}
