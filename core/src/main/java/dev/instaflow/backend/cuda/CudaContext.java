package dev.instaflow.backend.cuda;

import dev.instaflow.backend.BackendException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntFunction;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/**
 * A device's primary context and one stream in it. All that is computed goes through that stream, in the order in
 * which threads take their turns: so memory that one operation gives back may be given to the next one at once, and what
 * a thread sees is what it would see alone. A GPU that computes a UNet has nothing left for a second stream.
 */
final class CudaContext implements AutoCloseable {
    /**
     * Errors after which CUDA answers every call of the process with the same error: addresses, instructions and stack of
     * a kernel (700, 714 to 719), a time-out (702), a lost context (709), an assertion (710), memory (214), and what has no
     * name (999).
     */
    private static final Set<Integer> LASTING =
            Set.of(214, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 999);

    private static final int NAME_BYTES = 256;

    private final String name;
    private final CUdevice device;
    private final CUcontext context = new CUcontext();
    private final CUstream stream = new CUstream();
    private final ReentrantLock turn = new ReentrantLock();
    private final CallCounter counter = new CallCounter();
    private volatile String broken = "";

    private CudaContext(int ordinal) {
        this.name = "cuda:" + ordinal;
        this.device = new CUdevice();
    }

    /** The primary context of a device; the driver has been initialised. */
    static CudaContext open(int ordinal) {
        CudaContext opened = new CudaContext(ordinal);
        opened.check("cuDeviceGet", "the device", JCudaDriver.cuDeviceGet(opened.device, ordinal));
        opened.check(
                "cuDevicePrimaryCtxRetain",
                "the device",
                JCudaDriver.cuDevicePrimaryCtxRetain(opened.context, opened.device));
        boolean made = false;
        try {
            opened.call(
                    "cuStreamCreate",
                    "the backend",
                    () ->
                            JCudaDriver.cuStreamCreate(
                                    opened.stream, CUstream_flags.CU_STREAM_NON_BLOCKING));
            made = true;
            return opened;
        } finally {
            if (!made) {
                JCudaDriver.cuDevicePrimaryCtxRelease(opened.device);
            }
        }
    }

    /** As {@code cuda:0}. */
    String name() {
        return name;
    }

    CUstream stream() {
        return stream;
    }

    CallCounter counter() {
        return counter;
    }

    /** What the maker calls the device. */
    String deviceName() {
        byte[] text = new byte[NAME_BYTES];
        call(
                "cuDeviceGetName",
                "the device",
                () -> JCudaDriver.cuDeviceGetName(text, NAME_BYTES, device));
        int length = 0;
        while (length < text.length && text[length] != 0) {
            length++;
        }
        return new String(text, 0, length, StandardCharsets.US_ASCII);
    }

    /** Ten times the major number and the minor one, such as 86. */
    int computeCapability() {
        return 10 * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    }

    private int attribute(int which) {
        int[] value = new int[1];
        call(
                "cuDeviceGetAttribute",
                "the device",
                () -> JCudaDriver.cuDeviceGetAttribute(value, which, device));
        return value[0];
    }

    /** Memory of the device. */
    record Memory(long freeBytes, long totalBytes) {}

    /** What memory there is at this moment, for all processes. */
    Memory memory(Object what) {
        long[] free = new long[1];
        long[] total = new long[1];
        call("cuMemGetInfo", what, () -> JCudaDriver.cuMemGetInfo(free, total));
        return new Memory(free[0], total[0]);
    }

    /** Does some work while no other thread's work comes between. */
    <T> T exclusively(Supplier<T> work) {
        turn.lock();
        try {
            return work.get();
        } finally {
            turn.unlock();
        }
    }

    /**
     * Calls the driver.
     *
     * @param function the driver's, for messages
     * @param what it is done for, asked for its text only if the call fails
     */
    void call(String function, Object what, IntSupplier call) {
        check(function, what, status(call));
    }

    /** Calls one of the libraries on top of the driver, whose statuses are their own. */
    void call(IntFunction<String> statusName, String function, Object what, IntSupplier call) {
        int status = status(call);
        if (status != 0) {
            throw new BackendException(
                    "%s: %s for %s: %s (status %d)"
                            .formatted(name, function, what, statusName.apply(status), status));
        }
    }

    /** The status of a call, unjudged. */
    int status(IntSupplier call) {
        turn.lock();
        try {
            requireWorking();
            // Whoever else uses CUDA on this thread may have left another context.
            check("cuCtxSetCurrent", "a call", JCudaDriver.cuCtxSetCurrent(context));
            counter.countCall();
            return call.getAsInt();
        } finally {
            turn.unlock();
        }
    }

    /** Waits for an event or the like, without keeping others from their turns. */
    void await(String function, Object what, IntSupplier wait) {
        requireWorking();
        check("cuCtxSetCurrent", "a call", JCudaDriver.cuCtxSetCurrent(context));
        counter.countCall();
        check(function, what, wait.getAsInt());
    }

    /** Waits until all that was begun is done. */
    void synchronize(Object what) {
        call("cuStreamSynchronize", what, () -> JCudaDriver.cuStreamSynchronize(stream));
    }

    /** Whether no error has come after which every call fails. */
    boolean isWorking() {
        return broken.isEmpty();
    }

    private void requireWorking() {
        if (!isWorking()) {
            throw new BackendException(
                    name + " cannot be used any more, close it; it failed before: " + broken);
        }
    }

    /** Throws unless a call of the driver went well. */
    void check(String function, Object what, int status) {
        if (status == CUresult.CUDA_SUCCESS) {
            return;
        }
        String message =
                "%s: %s for %s: %s (status %d)"
                        .formatted(name, function, what, CUresult.stringFor(status), status);
        if (LASTING.contains(status)) {
            broken = message;
            message +=
                    "; it may be the fault of an earlier operation, since the device works behind the"
                            + " program; this backend cannot be used any more";
        }
        throw new BackendException(message);
    }

    /** Gives something back, as far as the driver still takes it. */
    void release(IntSupplier call) {
        turn.lock();
        try {
            JCudaDriver.cuCtxSetCurrent(context);
            call.getAsInt();
        } finally {
            turn.unlock();
        }
    }

    @Override
    public void close() {
        release(() -> JCudaDriver.cuStreamDestroy(stream));
        release(() -> JCudaDriver.cuDevicePrimaryCtxRelease(device));
    }
}
