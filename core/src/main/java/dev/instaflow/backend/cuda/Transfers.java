package dev.instaflow.backend.cuda;

import dev.instaflow.ops.FloatSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import jcuda.driver.JCudaDriver;

/** Copies between the heap or a file and the device, a pinned buffer at a time, and on the device. Thread-safe. */
final class Transfers {
    private final CudaContext context;
    private final PinnedBuffers buffers;

    Transfers(CudaContext context, PinnedBuffers buffers) {
        this.context = context;
        this.buffers = buffers;
    }

    /** Copies floats to the device; the array may be changed afterwards. */
    void write(long address, float[] values, Object what) {
        int most = PinnedBuffers.BYTES / Float.BYTES;
        for (int first = 0; first < values.length; first += most) {
            int count = Math.min(most, values.length - first);
            try (PinnedBuffers.Buffer buffer = buffers.take()) {
                buffer.bytes().asFloatBuffer().put(values, first, count);
                long to = address + (long) first * Float.BYTES;
                buffer.copyTo(to, (long) count * Float.BYTES, what);
            }
        }
    }

    /** Copies integers to the device; the array may be changed afterwards. */
    void write(long address, int[] values, Object what) {
        int most = PinnedBuffers.BYTES / Integer.BYTES;
        for (int first = 0; first < values.length; first += most) {
            int count = Math.min(most, values.length - first);
            try (PinnedBuffers.Buffer buffer = buffers.take()) {
                buffer.bytes().asIntBuffer().put(values, first, count);
                long to = address + (long) first * Integer.BYTES;
                buffer.copyTo(to, (long) count * Integer.BYTES, what);
            }
        }
    }

    /** Copies values as the source stores them to the device. */
    void write(long address, FloatSource source, long count, Object what) throws IOException {
        int size = source.stored().sizeBytes();
        int most = PinnedBuffers.BYTES / size;
        for (long first = 0; first < count; first += most) {
            int length = Math.toIntExact(Math.min(most, count - first) * size);
            try (PinnedBuffers.Buffer buffer = buffers.take()) {
                ByteBuffer bytes = buffer.bytes().limit(length);
                source.readStored(first, bytes);
                buffer.copyTo(address + first * size, length, what);
            }
        }
    }

    /** Copies floats from the device, after all pending work on them. */
    void read(long address, float[] target, int length, Object what) {
        int most = PinnedBuffers.BYTES / Float.BYTES;
        for (int first = 0; first < length; first += most) {
            int count = Math.min(most, length - first);
            try (PinnedBuffers.Buffer buffer = buffers.take()) {
                buffer.copyFrom(
                        address + (long) first * Float.BYTES, (long) count * Float.BYTES, what);
                buffer.bytes().asFloatBuffer().get(target, first, count);
            }
        }
    }

    /** One integer from the device, after all pending work on it. */
    int readInt(long address, Object what) {
        try (PinnedBuffers.Buffer buffer = buffers.take()) {
            buffer.copyFrom(address, Integer.BYTES, what);
            return buffer.bytes().getInt(0);
        }
    }

    /** Copies on the device. */
    void copy(long from, long to, long bytes, Object what) {
        context.call(
                "cuMemcpyDtoDAsync",
                what,
                () ->
                        JCudaDriver.cuMemcpyDtoDAsync(
                                DevicePointer.at(to),
                                DevicePointer.at(from),
                                bytes,
                                context.stream()));
    }

    /** Sets 32-bit words on the device to 0. */
    void clear(long address, long words, Object what) {
        context.call(
                "cuMemsetD32Async",
                what,
                () ->
                        JCudaDriver.cuMemsetD32Async(
                                DevicePointer.at(address), 0, words, context.stream()));
    }
}
