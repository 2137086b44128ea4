package dev.instaflow.backend.cpu;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Eight bytes for a native function to write a result to. Plain {@code malloc}: JavaCPP's own allocating
 * constructors refuse to work once the process is larger than four times the Java heap, which a process
 * with a model's weights in native memory is.
 */
final class NativeCell implements AutoCloseable {
    private final Pointer memory = Pointer.malloc(Long.BYTES);

    /** For native calls. */
    Pointer pointer() {
        return memory;
    }

    /** The bytes as a number. */
    long value() {
        return new LongPointer(memory).get();
    }

    /** The text that the bytes point to. */
    String text() {
        return new BytePointer(new NativeAddress().at(value())).getString();
    }

    @Override
    public void close() {
        Pointer.free(memory);
    }
}
