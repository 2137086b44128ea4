package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntSupplier;
import jcuda.Pointer;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnActivationDescriptor;
import jcuda.jcudnn.cudnnActivationMode;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnNanPropagation;
import jcuda.jcudnn.cudnnStatus;
import jcuda.runtime.cudaStream_t;

/** Convolutions, by cuDNN. Thread-safe. */
final class Convolutions {
    static final Pointer ONE = Products.hostFloat(1);
    static final Pointer ZERO = Products.hostFloat(0);

    private final CudaContext context;
    private final DevicePool pool;
    private final Optional<Path> cacheFolder;
    private final Map<ConvolutionShape, ConvolutionPlan> plans = new HashMap<>();
    private cudnnHandle handle;
    private cudnnActivationDescriptor nothing;
    private AlgorithmSearch search;

    Convolutions(CudaContext context, DevicePool pool, Optional<Path> cacheFolder) {
        this.context = context;
        this.pool = pool;
        this.cacheFolder = cacheFolder;
    }

    /**
     * Addresses of the values, or of their gradients, all of the type of the shape. What the pass computes is written.
     *
     * @param x [N,H,W,Ci]
     * @param weight [Co,K,K,Ci]
     * @param y [N,H',W',Co]
     */
    record Operands(long x, long weight, long y) {}

    /**
     * What is added to each pixel.
     *
     * @param bias [Co]
     * @param residual like the result, 0 for none
     */
    record Sums(long bias, long residual) {}

    /** Begins a convolution without bias, or a gradient. */
    void run(ConvolutionShape shape, Operands operands, Object what) {
        context.exclusively(
                () -> {
                    ConvolutionPlan plan = plan(shape, operands, what);
                    inWorkspace(
                            plan,
                            what,
                            workspace ->
                                    call(
                                            "cudnnConvolution" + shape.pass().word(),
                                            what,
                                            () ->
                                                    shape.pass()
                                                            .run(
                                                                    handle, plan, operands,
                                                                    workspace)));
                    context.counter().countLaunch();
                    return plan;
                });
    }

    /**
     * Begins a convolution that adds bias and residual, where cuDNN can do that.
     *
     * @return false if it cannot; nothing has been done then
     */
    boolean runWith(Sums sums, ConvolutionShape shape, Operands operands, Object what) {
        return context.exclusively(
                () -> {
                    ConvolutionPlan plan = plan(shape, operands, what);
                    if (!plan.fuses()) {
                        return false;
                    }
                    inWorkspace(
                            plan, what, workspace -> fused(plan, operands, sums, workspace, what));
                    return plan.fuses();
                });
    }

    private interface Work {
        void with(Pointer workspace);
    }

    private void inWorkspace(ConvolutionPlan plan, Object what, Work work) {
        Arena.Range range = pool.take(plan.workspaceBytes(), what);
        try {
            work.with(DevicePointer.at(range.address()));
        } finally {
            pool.give(range);
        }
    }

    private void fused(
            ConvolutionPlan plan, Operands operands, Sums sums, Pointer workspace, Object what) {
        boolean adds = sums.residual() != 0;
        int status =
                context.status(
                        () ->
                                JCudnn.cudnnConvolutionBiasActivationForward(
                                        handle,
                                        ONE,
                                        plan.x(),
                                        DevicePointer.at(operands.x()),
                                        plan.weight(),
                                        DevicePointer.at(operands.weight()),
                                        plan.convolution(),
                                        plan.algorithm(),
                                        workspace,
                                        plan.workspaceBytes(),
                                        adds ? ONE : ZERO,
                                        plan.y(),
                                        DevicePointer.at(adds ? sums.residual() : operands.y()),
                                        plan.bias(),
                                        DevicePointer.at(sums.bias()),
                                        nothing,
                                        plan.y(),
                                        DevicePointer.at(operands.y())));
        if (status == cudnnStatus.CUDNN_STATUS_NOT_SUPPORTED) {
            plan.separate();
        } else {
            call("cudnnConvolutionBiasActivationForward", what, () -> status);
            context.counter().countLaunch();
        }
    }

    private ConvolutionPlan plan(ConvolutionShape shape, Operands operands, Object what) {
        ConvolutionPlan plan = plans.get(shape);
        if (plan == null) {
            load();
            plan = new ConvolutionPlan(context, shape);
            boolean chosen = false;
            try {
                search.choose(plan, operands);
                chosen = true;
            } finally {
                if (!chosen) {
                    plan.close();
                }
            }
            plans.put(shape, plan);
        }
        return plan;
    }

    private void load() {
        if (handle != null) {
            return;
        }
        cudnnHandle fresh = new cudnnHandle();
        call("cudnnCreate", "convolutions", () -> JCudnn.cudnnCreate(fresh));
        handle = fresh;
        cudaStream_t stream = new cudaStream_t(context.stream());
        call("cudnnSetStream", "convolutions", () -> JCudnn.cudnnSetStream(fresh, stream));
        cudnnActivationDescriptor identity = new cudnnActivationDescriptor();
        call(
                "cudnnCreateActivationDescriptor",
                "convolutions",
                () -> JCudnn.cudnnCreateActivationDescriptor(identity));
        nothing = identity;
        call(
                "cudnnSetActivationDescriptor",
                "convolutions",
                () ->
                        JCudnn.cudnnSetActivationDescriptor(
                                identity,
                                cudnnActivationMode.CUDNN_ACTIVATION_IDENTITY,
                                // The only one that fusing takes; without a limit a NaN stays one.
                                cudnnNanPropagation.CUDNN_NOT_PROPAGATE_NAN,
                                0));
        String device = context.deviceName() + "-cudnn" + JCudnn.cudnnGetVersion();
        search =
                new AlgorithmSearch(context, pool, handle, new AlgorithmCache(cacheFolder, device));
    }

    private void call(String function, Object what, IntSupplier call) {
        context.call(cudnnStatus::stringFor, function, what, call);
    }

    /** All that has been convolved, for tests of this package. */
    Set<ConvolutionShape> shapes() {
        return context.exclusively(() -> Set.copyOf(plans.keySet()));
    }

    /** Frees what cuDNN holds, as far as it still does it. */
    void close() {
        plans.values().forEach(ConvolutionPlan::close);
        plans.clear();
        if (nothing != null) {
            context.release(() -> JCudnn.cudnnDestroyActivationDescriptor(nothing));
        }
        if (handle != null) {
            context.release(() -> JCudnn.cudnnDestroy(handle));
        }
    }
}
