package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Backend;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.JCudaDriver;

/**
 * Measures work on a GPU by the GPU's own clock: from when the device comes to it until it is done, waits for
 * the program in between included. One measurement at a time; to be closed before the backend.
 */
public final class CudaTimer implements AutoCloseable {
    private static final double MILLI = 1e-3;

    private final CudaContext context;
    private final CUevent begin = new CUevent();
    private final CUevent end = new CUevent();

    /**
     * What some work took.
     *
     * @param seconds on the device's clock, to about a microsecond
     * @param calls into the driver, cuBLAS and cuDNN
     * @param launches of those, kernels, products, convolutions and graphs
     */
    public record Measure(double seconds, long calls, long launches) {}

    private CudaTimer(CudaContext context) {
        this.context = context;
    }

    /**
     * A timer for a backend.
     *
     * @param backend a CUDA one
     * @return to be closed by the caller
     * @throws IllegalArgumentException if it is no CUDA backend
     */
    public static CudaTimer of(Backend backend) {
        if (!(backend instanceof CudaBackend cuda)) {
            throw new IllegalArgumentException(
                    "a GPU's clock was asked for, and the backend is " + backend.description());
        }
        CudaTimer timer = new CudaTimer(cuda.engine().context());
        timer.create(timer.begin);
        timer.create(timer.end);
        return timer;
    }

    private void create(CUevent event) {
        context.call(
                "cuEventCreate",
                "a timer",
                () -> JCudaDriver.cuEventCreate(event, CUevent_flags.CU_EVENT_DEFAULT));
    }

    private void record(CUevent event) {
        context.call(
                "cuEventRecord",
                "a timer",
                () -> JCudaDriver.cuEventRecord(event, context.stream()));
    }

    /**
     * Runs some work and waits until the device has done it.
     *
     * @param work on the backend, from this thread
     * @return what it took
     */
    public Measure measure(Runnable work) {
        context.synchronize("a timer");
        record(begin);
        long calls = context.counter().calls();
        long launches = context.counter().launches();
        work.run();
        calls = context.counter().calls() - calls;
        launches = context.counter().launches() - launches;
        record(end);
        context.await("cuEventSynchronize", "a timer", () -> JCudaDriver.cuEventSynchronize(end));
        float[] millis = new float[1];
        context.call(
                "cuEventElapsedTime",
                "a timer",
                () -> JCudaDriver.cuEventElapsedTime(millis, begin, end));
        return new Measure(millis[0] * MILLI, calls, launches);
    }

    @Override
    public void close() {
        context.release(() -> JCudaDriver.cuEventDestroy(begin));
        context.release(() -> JCudaDriver.cuEventDestroy(end));
    }
}
