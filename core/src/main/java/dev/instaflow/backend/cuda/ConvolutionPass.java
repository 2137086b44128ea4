package dev.instaflow.backend.cuda;

import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;
import jcuda.Pointer;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnConvolutionBwdDataAlgo;
import jcuda.jcudnn.cudnnConvolutionBwdDataAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionBwdFilterAlgo;
import jcuda.jcudnn.cudnnConvolutionBwdFilterAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionFwdAlgo;
import jcuda.jcudnn.cudnnConvolutionFwdAlgoPerf;
import jcuda.jcudnn.cudnnHandle;

/** What is computed of a convolution: its result or one of its gradients. cuDNN has functions of their own for each. */
enum ConvolutionPass {
    /** y of x and the kernels. */
    FORWARD("Forward") {
        @Override
        int guess(cudnnHandle handle, ConvolutionPlan plan, List<Trial> found) {
            cudnnConvolutionFwdAlgoPerf[] all = forwardResults();
            return collect(
                    all,
                    Trial::of,
                    found,
                    count ->
                            JCudnn.cudnnGetConvolutionForwardAlgorithm_v7(
                                    handle,
                                    plan.x(),
                                    plan.weight(),
                                    plan.convolution(),
                                    plan.y(),
                                    all.length,
                                    count,
                                    all));
        }

        @Override
        int attempt(
                cudnnHandle handle,
                ConvolutionPlan plan,
                Convolutions.Operands operands,
                Workspace workspace,
                List<Trial> found) {
            cudnnConvolutionFwdAlgoPerf[] all = forwardResults();
            return collect(
                    all,
                    Trial::of,
                    found,
                    count ->
                            JCudnn.cudnnFindConvolutionForwardAlgorithmEx(
                                    handle,
                                    plan.x(),
                                    DevicePointer.at(operands.x()),
                                    plan.weight(),
                                    DevicePointer.at(operands.weight()),
                                    plan.convolution(),
                                    plan.y(),
                                    DevicePointer.at(operands.y()),
                                    all.length,
                                    count,
                                    all,
                                    workspace.memory(),
                                    workspace.bytes()));
        }

        @Override
        int workspace(cudnnHandle handle, ConvolutionPlan plan, int algorithm, long[] bytes) {
            return JCudnn.cudnnGetConvolutionForwardWorkspaceSize(
                    handle,
                    plan.x(),
                    plan.weight(),
                    plan.convolution(),
                    plan.y(),
                    algorithm,
                    bytes);
        }

        @Override
        int run(
                cudnnHandle handle,
                ConvolutionPlan plan,
                Convolutions.Operands operands,
                Pointer workspace) {
            return JCudnn.cudnnConvolutionForward(
                    handle,
                    Convolutions.ONE,
                    plan.x(),
                    DevicePointer.at(operands.x()),
                    plan.weight(),
                    DevicePointer.at(operands.weight()),
                    plan.convolution(),
                    plan.algorithm(),
                    workspace,
                    plan.workspaceBytes(),
                    Convolutions.ZERO,
                    plan.y(),
                    DevicePointer.at(operands.y()));
        }
    },
    /** x's gradient of the kernels and y's. */
    INPUT_GRADIENT("BackwardData") {
        @Override
        int guess(cudnnHandle handle, ConvolutionPlan plan, List<Trial> found) {
            cudnnConvolutionBwdDataAlgoPerf[] all = inputResults();
            return collect(
                    all,
                    Trial::of,
                    found,
                    count ->
                            JCudnn.cudnnGetConvolutionBackwardDataAlgorithm_v7(
                                    handle,
                                    plan.weight(),
                                    plan.y(),
                                    plan.convolution(),
                                    plan.x(),
                                    all.length,
                                    count,
                                    all));
        }

        @Override
        int attempt(
                cudnnHandle handle,
                ConvolutionPlan plan,
                Convolutions.Operands operands,
                Workspace workspace,
                List<Trial> found) {
            cudnnConvolutionBwdDataAlgoPerf[] all = inputResults();
            return collect(
                    all,
                    Trial::of,
                    found,
                    count ->
                            JCudnn.cudnnFindConvolutionBackwardDataAlgorithmEx(
                                    handle,
                                    plan.weight(),
                                    DevicePointer.at(operands.weight()),
                                    plan.y(),
                                    DevicePointer.at(operands.y()),
                                    plan.convolution(),
                                    plan.x(),
                                    DevicePointer.at(operands.x()),
                                    all.length,
                                    count,
                                    all,
                                    workspace.memory(),
                                    workspace.bytes()));
        }

        @Override
        int workspace(cudnnHandle handle, ConvolutionPlan plan, int algorithm, long[] bytes) {
            return JCudnn.cudnnGetConvolutionBackwardDataWorkspaceSize(
                    handle,
                    plan.weight(),
                    plan.y(),
                    plan.convolution(),
                    plan.x(),
                    algorithm,
                    bytes);
        }

        @Override
        int run(
                cudnnHandle handle,
                ConvolutionPlan plan,
                Convolutions.Operands operands,
                Pointer workspace) {
            return JCudnn.cudnnConvolutionBackwardData(
                    handle,
                    Convolutions.ONE,
                    plan.weight(),
                    DevicePointer.at(operands.weight()),
                    plan.y(),
                    DevicePointer.at(operands.y()),
                    plan.convolution(),
                    plan.algorithm(),
                    workspace,
                    plan.workspaceBytes(),
                    Convolutions.ZERO,
                    plan.x(),
                    DevicePointer.at(operands.x()));
        }
    },
    /** The kernels' gradient of x and y's. */
    KERNEL_GRADIENT("BackwardFilter") {
        @Override
        int guess(cudnnHandle handle, ConvolutionPlan plan, List<Trial> found) {
            cudnnConvolutionBwdFilterAlgoPerf[] all = kernelResults();
            return collect(
                    all,
                    Trial::of,
                    found,
                    count ->
                            JCudnn.cudnnGetConvolutionBackwardFilterAlgorithm_v7(
                                    handle,
                                    plan.x(),
                                    plan.y(),
                                    plan.convolution(),
                                    plan.weight(),
                                    all.length,
                                    count,
                                    all));
        }

        @Override
        int attempt(
                cudnnHandle handle,
                ConvolutionPlan plan,
                Convolutions.Operands operands,
                Workspace workspace,
                List<Trial> found) {
            cudnnConvolutionBwdFilterAlgoPerf[] all = kernelResults();
            return collect(
                    all,
                    Trial::of,
                    found,
                    count ->
                            JCudnn.cudnnFindConvolutionBackwardFilterAlgorithmEx(
                                    handle,
                                    plan.x(),
                                    DevicePointer.at(operands.x()),
                                    plan.y(),
                                    DevicePointer.at(operands.y()),
                                    plan.convolution(),
                                    plan.weight(),
                                    DevicePointer.at(operands.weight()),
                                    all.length,
                                    count,
                                    all,
                                    workspace.memory(),
                                    workspace.bytes()));
        }

        @Override
        int workspace(cudnnHandle handle, ConvolutionPlan plan, int algorithm, long[] bytes) {
            return JCudnn.cudnnGetConvolutionBackwardFilterWorkspaceSize(
                    handle,
                    plan.x(),
                    plan.y(),
                    plan.convolution(),
                    plan.weight(),
                    algorithm,
                    bytes);
        }

        @Override
        int run(
                cudnnHandle handle,
                ConvolutionPlan plan,
                Convolutions.Operands operands,
                Pointer workspace) {
            return JCudnn.cudnnConvolutionBackwardFilter(
                    handle,
                    Convolutions.ONE,
                    plan.x(),
                    DevicePointer.at(operands.x()),
                    plan.y(),
                    DevicePointer.at(operands.y()),
                    plan.convolution(),
                    plan.algorithm(),
                    workspace,
                    plan.workspaceBytes(),
                    Convolutions.ZERO,
                    plan.weight(),
                    DevicePointer.at(operands.weight()));
        }
    };

    /** What cuDNN says of an algorithm; status and determinism are numbers of cuDNN's. */
    record Trial(int algorithm, int status, float time, long memory, int determinism) {
        private static Trial of(cudnnConvolutionFwdAlgoPerf p) {
            return new Trial(p.algo, p.status, p.time, p.memory, p.determinism);
        }

        private static Trial of(cudnnConvolutionBwdDataAlgoPerf p) {
            return new Trial(p.algo, p.status, p.time, p.memory, p.determinism);
        }

        private static Trial of(cudnnConvolutionBwdFilterAlgoPerf p) {
            return new Trial(p.algo, p.status, p.time, p.memory, p.determinism);
        }
    }

    /** Device memory for an algorithm. */
    record Workspace(Pointer memory, long bytes) {}

    private final String word;

    ConvolutionPass(String word) {
        this.word = word;
    }

    /** As it stands in the names of cuDNN's functions. */
    String word() {
        return word;
    }

    /** Lists what cuDNN would use, without trying it; returns cuDNN's status. */
    abstract int guess(cudnnHandle handle, ConvolutionPlan plan, List<Trial> found);

    /** Has cuDNN try its algorithms, which writes the result; returns cuDNN's status. */
    abstract int attempt(
            cudnnHandle handle,
            ConvolutionPlan plan,
            Convolutions.Operands operands,
            Workspace workspace,
            List<Trial> found);

    /** Asks what an algorithm needs; returns cuDNN's status. */
    abstract int workspace(cudnnHandle handle, ConvolutionPlan plan, int algorithm, long[] bytes);

    /** Begins to compute; returns cuDNN's status. */
    abstract int run(
            cudnnHandle handle,
            ConvolutionPlan plan,
            Convolutions.Operands operands,
            Pointer workspace);

    private static cudnnConvolutionFwdAlgoPerf[] forwardResults() {
        return fresh(
                cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_COUNT,
                cudnnConvolutionFwdAlgoPerf::new,
                cudnnConvolutionFwdAlgoPerf[]::new);
    }

    private static cudnnConvolutionBwdDataAlgoPerf[] inputResults() {
        return fresh(
                cudnnConvolutionBwdDataAlgo.CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT,
                cudnnConvolutionBwdDataAlgoPerf::new,
                cudnnConvolutionBwdDataAlgoPerf[]::new);
    }

    private static cudnnConvolutionBwdFilterAlgoPerf[] kernelResults() {
        return fresh(
                cudnnConvolutionBwdFilterAlgo.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT,
                cudnnConvolutionBwdFilterAlgoPerf::new,
                cudnnConvolutionBwdFilterAlgoPerf[]::new);
    }

    private static <P> P[] fresh(int count, Supplier<P> make, IntFunction<P[]> array) {
        return Stream.generate(make).limit(count).toArray(array);
    }

    private interface Call {
        int with(int[] count);
    }

    private static <P> int collect(
            P[] all, Function<P, Trial> trial, List<Trial> found, Call call) {
        int[] count = new int[1];
        int status = call.with(count);
        for (int i = 0; i < count[0]; i++) {
            found.add(trial.apply(all[i]));
        }
        return status;
    }
}
