package dev.instaflow.backend.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.IntSupplier;
import jcuda.Pointer;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.JCudaDriver;

/**
 * Two pieces of host memory that the device copies from and to while the program goes on: one is filled while the other
 * is on its way. Whoever has one must not wait for another, and takes it before a turn at the device. Thread-safe.
 */
final class PinnedBuffers {
    /** Large enough that a copy takes far longer than its call: 160 microseconds over PCIe 4. */
    static final int BYTES = 4 << 20;

    private static final int COUNT = 2;

    /** One piece, and when the device is done with it. */
    final class Buffer implements AutoCloseable {
        private final Pointer memory = new Pointer();
        private final CUevent done = new CUevent();
        private ByteBuffer bytes;
        private boolean busy;

        private Buffer() {}

        private void allocate() {
            context.call(
                    "cuMemHostAlloc", "copies", () -> JCudaDriver.cuMemHostAlloc(memory, BYTES, 0));
            bytes = memory.getByteBuffer(0, BYTES);
            context.call(
                    "cuEventCreate",
                    "copies",
                    () -> JCudaDriver.cuEventCreate(done, CUevent_flags.CU_EVENT_DISABLE_TIMING));
        }

        /** The whole piece, in this machine's byte order. */
        ByteBuffer bytes() {
            bytes.clear();
            return bytes.order(ByteOrder.nativeOrder());
        }

        /** Begins to copy from here to the device; the piece is kept until that is done. */
        void copyTo(long address, long length, Object what) {
            begin(
                    "cuMemcpyHtoDAsync",
                    what,
                    () ->
                            JCudaDriver.cuMemcpyHtoDAsync(
                                    DevicePointer.at(address), memory, length, context.stream()));
        }

        /** Copies from the device to here, and waits for it. */
        void copyFrom(long address, long length, Object what) {
            begin(
                    "cuMemcpyDtoHAsync",
                    what,
                    () ->
                            JCudaDriver.cuMemcpyDtoHAsync(
                                    memory, DevicePointer.at(address), length, context.stream()));
            await();
        }

        private void begin(String function, Object what, IntSupplier copy) {
            context.exclusively(
                    () -> {
                        context.call(function, what, copy);
                        context.call(
                                "cuEventRecord",
                                what,
                                () -> JCudaDriver.cuEventRecord(done, context.stream()));
                        busy = true;
                        return what;
                    });
        }

        private void await() {
            if (busy) {
                busy = false;
                context.await(
                        "cuEventSynchronize", "a copy", () -> JCudaDriver.cuEventSynchronize(done));
            }
        }

        /** Leaves the piece to the next user. */
        @Override
        public void close() {
            idle.add(this);
        }
    }

    private final CudaContext context;
    private final List<Buffer> all = new ArrayList<>();
    private final BlockingQueue<Buffer> idle = new ArrayBlockingQueue<>(COUNT);

    PinnedBuffers(CudaContext context) {
        this.context = context;
        boolean made = false;
        try {
            for (int i = 0; i < COUNT; i++) {
                Buffer buffer = new Buffer();
                all.add(buffer);
                buffer.allocate();
                idle.add(buffer);
            }
            made = true;
        } finally {
            if (!made) {
                close();
            }
        }
    }

    /** A piece that the device is done with; waits for one, also where the thread is interrupted. */
    Buffer take() {
        boolean interrupted = false;
        Buffer taken = null;
        while (taken == null) {
            try {
                taken = idle.take();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        boolean ready = false;
        try {
            taken.await();
            ready = true;
            return taken;
        } finally {
            if (!ready) {
                taken.close();
            }
        }
    }

    /** Frees the memory, as far as the driver still does it. */
    void close() {
        for (Buffer buffer : all) {
            context.release(() -> JCudaDriver.cuEventDestroy(buffer.done));
            context.release(() -> JCudaDriver.cuMemFreeHost(buffer.memory));
        }
        all.clear();
    }
}
