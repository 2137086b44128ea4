package dev.instaflow.backend.cpu;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** Copies between heap arrays and F32 values at native addresses. Not thread-safe. */
final class FloatCursor extends FloatPointer {
    /** Bytes of one value. */
    static final long FLOAT_BYTES = Float.BYTES;

    FloatCursor() {
        super((Pointer) null);
    }

    /** Copies {@code length} values from an address into {@code target}, from its start on. */
    void read(long from, float[] target, int length) {
        address = from;
        get(target, 0, length);
    }

    /** Copies the first {@code length} values of {@code source} to an address. */
    void write(long to, float[] source, int length) {
        write(to, source, 0, length);
    }

    /** Copies {@code length} values of {@code source} from {@code offset} on to an address. */
    void write(long to, float[] source, int offset, int length) {
        address = to;
        put(source, offset, length);
    }
}
