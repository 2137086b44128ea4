package dev.instaflow.backend.cuda;

import dev.instaflow.tensor.Storage;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

/** One program as a CUDA graph, with inputs and result at fixed places. Not thread-safe: used in turns. */
final class Recording {
    private final CudaEngine engine;
    private final List<Tensor> inputs = new ArrayList<>();
    private final Storage[] holding;
    private CUgraphExec graph;
    private Tensor result;

    /**
     * @param like tensors of the shapes and types that will come
     */
    Recording(CudaEngine engine, List<Tensor> like) {
        this.engine = engine;
        this.holding = new Storage[like.size()];
        DevicePool.Purpose before = engine.pool().passing(DevicePool.Purpose.RECORDED_INPUTS);
        boolean made = false;
        try {
            for (Tensor each : like) {
                inputs.add(
                        engine.allocate(
                                each.name(), each.shape(), Precision.storageOf(each.dtype())));
            }
            made = true;
        } finally {
            engine.pool().passing(before);
            if (!made) {
                close();
            }
        }
    }

    /** Has a program's operations noted instead of done. */
    void capture(Function<List<Tensor>, Tensor> program) {
        CudaContext context = engine.context();
        context.call(
                "cuStreamBeginCapture",
                "a program",
                () ->
                        // Relaxed: memory may be asked for meanwhile, which no graph depends on.
                        JCudaDriver.cuStreamBeginCapture(
                                context.stream(),
                                CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED));
        CUgraph captured = new CUgraph();
        boolean done = false;
        try {
            result = program.apply(List.copyOf(inputs));
            context.call(
                    "cuStreamEndCapture",
                    "a program",
                    () -> JCudaDriver.cuStreamEndCapture(context.stream(), captured));
            done = true;
        } finally {
            if (!done) {
                context.release(() -> JCudaDriver.cuStreamEndCapture(context.stream(), captured));
                context.release(() -> JCudaDriver.cuGraphDestroy(captured));
            }
        }
        CUgraphExec ready = new CUgraphExec();
        try {
            context.call(
                    "cuGraphInstantiate",
                    "a program",
                    () -> JCudaDriver.cuGraphInstantiate(ready, captured, 0));
            graph = ready;
        } finally {
            context.release(() -> JCudaDriver.cuGraphDestroy(captured));
        }
    }

    /** What the program leaves, until the next one begins. */
    Tensor result() {
        return result;
    }

    /** Begins the program on inputs. */
    void play(List<Tensor> given) {
        CudaContext context = engine.context();
        for (int i = 0; i < given.size(); i++) {
            CudaStorage from = engine.storage(given.get(i));
            // Tensors never change, so that what was copied once, such as a text's keys, is right.
            if (holding[i] != from) {
                long to = engine.storage(inputs.get(i)).address();
                engine.transfers().copy(from.address(), to, from.sizeBytes(), given.get(i));
                holding[i] = from;
            }
        }
        context.call(
                "cuGraphLaunch",
                "a program",
                () -> JCudaDriver.cuGraphLaunch(graph, context.stream()));
        context.counter().countLaunch();
    }

    /** Frees graph and memory. */
    void close() {
        CudaContext context = engine.context();
        if (graph != null) {
            // It may still be running.
            context.release(() -> JCudaDriver.cuStreamSynchronize(context.stream()));
            context.release(() -> JCudaDriver.cuGraphExecDestroy(graph));
            graph = null;
        }
        inputs.forEach(Tensor::close);
        if (result != null) {
            result.close();
        }
    }
}
