package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.backend.BackendException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnConvolutionFwdAlgo;
import jcuda.jcudnn.cudnnConvolutionFwdAlgoPerf;
import jcuda.jcudnn.cudnnDeterminism;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnMathType;
import jcuda.jcudnn.cudnnStatus;

/** Finds the fastest of cuDNN's algorithms for a shape: has it try them, unless that was done before. */
final class AlgorithmSearch {
    /** Beyond this the fastest algorithms of the UNet's shapes gain nothing, and small cards lose much. */
    private static final long MOST_WORKSPACE = 256L << 20;

    private static final int ALGORITHMS = cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_COUNT;

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

    /** Settles a plan; where algorithms have to be tried, y is written. */
    void choose(ConvolutionPlan plan, Convolutions.Operands operands) {
        Optional<AlgorithmCache.Choice> known = cache.find(plan.shape());
        if (known.isPresent() && settle(plan, known.get())) {
            return;
        }
        // JCudnn leaves the arithmetic out of the results; what was tried is what the plan asked
        // for.
        int arithmetic = plan.shape().numerics().mathType();
        for (cudnnConvolutionFwdAlgoPerf found : byTime(plan, operands)) {
            AlgorithmCache.Choice choice = new AlgorithmCache.Choice(found.algo, arithmetic);
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
                                JCudnn.cudnnGetConvolutionForwardWorkspaceSize(
                                        handle,
                                        plan.x(),
                                        plan.weight(),
                                        plan.convolution(),
                                        plan.y(),
                                        choice.algorithm(),
                                        bytes));
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

    private List<cudnnConvolutionFwdAlgoPerf> byTime(
            ConvolutionPlan plan, Convolutions.Operands operands) {
        long bytes =
                guessed(plan).stream()
                        .filter(each -> each.status == cudnnStatus.CUDNN_STATUS_SUCCESS)
                        .mapToLong(each -> each.memory)
                        .filter(each -> each <= MOST_WORKSPACE)
                        .max()
                        .orElse(0);
        Arena.Range workspace = pool.take(bytes, plan.shape());
        try {
            return tried(plan, operands, workspace, bytes).stream()
                    .filter(each -> each.status == cudnnStatus.CUDNN_STATUS_SUCCESS)
                    .filter(each -> each.determinism == cudnnDeterminism.CUDNN_DETERMINISTIC)
                    .filter(each -> each.memory <= bytes)
                    .sorted(Comparator.comparingDouble(each -> each.time))
                    .toList();
        } finally {
            pool.give(workspace);
        }
    }

    /** What they need, as cuDNN knows without trying. */
    private List<cudnnConvolutionFwdAlgoPerf> guessed(ConvolutionPlan plan) {
        int[] count = new int[1];
        cudnnConvolutionFwdAlgoPerf[] results = results();
        context.call(
                cudnnStatus::stringFor,
                "cudnnGetConvolutionForwardAlgorithm_v7",
                plan.shape(),
                () ->
                        JCudnn.cudnnGetConvolutionForwardAlgorithm_v7(
                                handle,
                                plan.x(),
                                plan.weight(),
                                plan.convolution(),
                                plan.y(),
                                ALGORITHMS,
                                count,
                                results));
        return Arrays.asList(results).subList(0, count[0]);
    }

    private List<cudnnConvolutionFwdAlgoPerf> tried(
            ConvolutionPlan plan,
            Convolutions.Operands operands,
            Arena.Range workspace,
            long bytes) {
        int[] count = new int[1];
        cudnnConvolutionFwdAlgoPerf[] results = results();
        context.call(
                cudnnStatus::stringFor,
                "cudnnFindConvolutionForwardAlgorithmEx",
                plan.shape(),
                () ->
                        JCudnn.cudnnFindConvolutionForwardAlgorithmEx(
                                handle,
                                plan.x(),
                                DevicePointer.at(operands.x()),
                                plan.weight(),
                                DevicePointer.at(operands.weight()),
                                plan.convolution(),
                                plan.y(),
                                DevicePointer.at(operands.y()),
                                ALGORITHMS,
                                count,
                                results,
                                DevicePointer.at(workspace.address()),
                                bytes));
        return Arrays.asList(results).subList(0, count[0]);
    }

    private static cudnnConvolutionFwdAlgoPerf[] results() {
        return Stream.generate(cudnnConvolutionFwdAlgoPerf::new)
                .limit(ALGORITHMS)
                .toArray(cudnnConvolutionFwdAlgoPerf[]::new);
    }
}
