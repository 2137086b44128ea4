package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.backend.BackendException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import jcuda.jcudnn.cudnnDeterminism;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnMathType;
import jcuda.jcudnn.cudnnStatus;

/** Finds the fastest of cuDNN's algorithms for a shape: has it try them, unless that was done before. */
final class AlgorithmSearch {
    /** Beyond this the fastest algorithms of the UNet's shapes gain nothing, and small cards lose much. */
    private static final long MOST_WORKSPACE = 256L << 20;

    private final CudaContext context;
    private final DevicePool pool;
    private final cudnnHandle handle;
    private final AlgorithmCache cache;

    AlgorithmSearch(
            CudaContext context, DevicePool pool, cudnnHandle handle, AlgorithmCache cache) {
        this.context = context;
        this.pool = pool;
        this.handle = handle;
        this.cache = cache;
    }

    /** Settles a plan; where algorithms have to be tried, the result is written. */
    void choose(ConvolutionPlan plan, Convolutions.Operands operands) {
        Optional<AlgorithmCache.Choice> known = cache.find(plan.shape());
        if (known.isPresent() && settle(plan, known.get())) {
            return;
        }
        // JCudnn leaves the arithmetic out of the results; what was tried is what the plan asked
        // for.
        int arithmetic = plan.shape().numerics().mathType();
        for (ConvolutionPass.Trial found : byTime(plan, operands)) {
            AlgorithmCache.Choice choice = new AlgorithmCache.Choice(found.algorithm(), arithmetic);
            if (settle(plan, choice)) {
                cache.put(plan.shape(), choice);
                return;
            }
        }
        throw new BackendException(context.name() + ": cuDNN has no algorithm for " + plan.shape());
    }

    /** Uses an algorithm if the library agrees: what a file says may be wrong, and only this call knows the workspace. */
    private boolean settle(ConvolutionPlan plan, AlgorithmCache.Choice choice) {
        if (!allowed(plan, choice.mathType())) {
            return false;
        }
        plan.use(choice, 0);
        long[] bytes = new long[1];
        int status =
                context.status(
                        () ->
                                plan.shape()
                                        .pass()
                                        .workspace(handle, plan, choice.algorithm(), bytes));
        if (status != cudnnStatus.CUDNN_STATUS_SUCCESS || bytes[0] > MOST_WORKSPACE) {
            return false;
        }
        plan.use(choice, bytes[0]);
        return true;
    }

    /** F32 stays F32: no algorithm that rounds to TF32 or F16. */
    private static boolean allowed(ConvolutionPlan plan, int mathType) {
        return plan.shape().numerics() != Numerics.F32 || mathType == cudnnMathType.CUDNN_FMA_MATH;
    }

    private List<ConvolutionPass.Trial> byTime(
            ConvolutionPlan plan, Convolutions.Operands operands) {
        long bytes =
                guessed(plan).stream()
                        .filter(each -> each.status() == cudnnStatus.CUDNN_STATUS_SUCCESS)
                        .mapToLong(each -> each.memory())
                        .filter(each -> each <= MOST_WORKSPACE)
                        .max()
                        .orElse(0);
        Arena.Range workspace = pool.take(bytes, plan.shape());
        try {
            return tried(plan, operands, workspace, bytes).stream()
                    .filter(each -> each.status() == cudnnStatus.CUDNN_STATUS_SUCCESS)
                    .filter(each -> each.determinism() == cudnnDeterminism.CUDNN_DETERMINISTIC)
                    .filter(each -> each.memory() <= bytes)
                    .sorted(Comparator.comparingDouble(ConvolutionPass.Trial::time))
                    .toList();
        } finally {
            pool.give(workspace);
        }
    }

    /** What they need, as cuDNN knows without trying. */
    private List<ConvolutionPass.Trial> guessed(ConvolutionPlan plan) {
        ConvolutionPass pass = plan.shape().pass();
        List<ConvolutionPass.Trial> found = new ArrayList<>();
        context.call(
                cudnnStatus::stringFor,
                "cudnnGetConvolution" + pass.word() + "Algorithm_v7",
                plan.shape(),
                () -> pass.guess(handle, plan, found));
        return found;
    }

    private List<ConvolutionPass.Trial> tried(
            ConvolutionPlan plan,
            Convolutions.Operands operands,
            Arena.Range workspace,
            long bytes) {
        ConvolutionPass pass = plan.shape().pass();
        ConvolutionPass.Workspace memory =
                new ConvolutionPass.Workspace(DevicePointer.at(workspace.address()), bytes);
        List<ConvolutionPass.Trial> found = new ArrayList<>();
        context.call(
                cudnnStatus::stringFor,
                "cudnnFindConvolution" + pass.word() + "AlgorithmEx",
                plan.shape(),
                () -> pass.attempt(handle, plan, operands, memory, found));
        return found;
    }
}
