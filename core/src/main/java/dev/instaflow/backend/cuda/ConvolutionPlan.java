package dev.instaflow.backend.cuda;

import java.util.function.IntSupplier;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnConvolutionFwdAlgo;
import jcuda.jcudnn.cudnnConvolutionMode;
import jcuda.jcudnn.cudnnDataType;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnStatus;
import jcuda.jcudnn.cudnnTensorDescriptor;
import jcuda.jcudnn.cudnnTensorFormat;

/** One shape as cuDNN has it, and the algorithm for it. Not thread-safe: used in turns. */
final class ConvolutionPlan {
    private final CudaContext context;
    private final ConvolutionShape shape;
    private final cudnnTensorDescriptor x = new cudnnTensorDescriptor();
    private final cudnnTensorDescriptor y = new cudnnTensorDescriptor();
    private final cudnnTensorDescriptor bias = new cudnnTensorDescriptor();
    private final cudnnFilterDescriptor weight = new cudnnFilterDescriptor();
    private final cudnnConvolutionDescriptor convolution = new cudnnConvolutionDescriptor();
    private int algorithm;
    private long workspaceBytes;
    private boolean fuses;

    ConvolutionPlan(CudaContext context, ConvolutionShape shape) {
        this.context = context;
        this.shape = shape;
        boolean made = false;
        try {
            create();
            made = true;
        } finally {
            if (!made) {
                close();
            }
        }
    }

    private void create() {
        int type = shape.numerics().dnnType();
        tensor(x, shape.n(), shape.in(), shape.height(), shape.width());
        tensor(y, shape.n(), shape.out(), shape.outHeight(), shape.outWidth());
        tensor(bias, 1, shape.out(), 1, 1);
        call("cudnnCreateFilterDescriptor", () -> JCudnn.cudnnCreateFilterDescriptor(weight));
        call(
                "cudnnSetFilter4dDescriptor",
                () ->
                        JCudnn.cudnnSetFilter4dDescriptor(
                                weight,
                                type,
                                cudnnTensorFormat.CUDNN_TENSOR_NHWC,
                                shape.out(),
                                shape.in(),
                                shape.kernel(),
                                shape.kernel()));
        call(
                "cudnnCreateConvolutionDescriptor",
                () -> JCudnn.cudnnCreateConvolutionDescriptor(convolution));
        call(
                "cudnnSetConvolution2dDescriptor",
                () ->
                        JCudnn.cudnnSetConvolution2dDescriptor(
                                convolution,
                                shape.padding(),
                                shape.padding(),
                                shape.stride(),
                                shape.stride(),
                                1,
                                1,
                                cudnnConvolutionMode.CUDNN_CROSS_CORRELATION,
                                cudnnDataType.CUDNN_DATA_FLOAT));
        setMathType(shape.numerics().mathType());
    }

    private void tensor(cudnnTensorDescriptor descriptor, int n, int c, int h, int w) {
        call("cudnnCreateTensorDescriptor", () -> JCudnn.cudnnCreateTensorDescriptor(descriptor));
        call(
                "cudnnSetTensor4dDescriptor",
                () ->
                        JCudnn.cudnnSetTensor4dDescriptor(
                                descriptor,
                                cudnnTensorFormat.CUDNN_TENSOR_NHWC,
                                shape.numerics().dnnType(),
                                n,
                                c,
                                h,
                                w));
    }

    private void setMathType(int mathType) {
        call(
                "cudnnSetConvolutionMathType",
                () -> JCudnn.cudnnSetConvolutionMathType(convolution, mathType));
    }

    private void call(String function, IntSupplier call) {
        context.call(cudnnStatus::stringFor, function, shape, call);
    }

    /** Settles on an algorithm. */
    void use(AlgorithmCache.Choice choice, long bytes) {
        setMathType(choice.mathType());
        algorithm = choice.algorithm();
        workspaceBytes = bytes;
        // The only one that adds a bias without an activation.
        fuses =
                shape.pass() == ConvolutionPass.FORWARD
                        && algorithm
                                == cudnnConvolutionFwdAlgo
                                        .CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
    }

    /** That the library does not add bias and residual to this shape after all. */
    void separate() {
        fuses = false;
    }

    /** Whether bias and residual are added by the convolution itself. */
    boolean fuses() {
        return fuses;
    }

    ConvolutionShape shape() {
        return shape;
    }

    cudnnTensorDescriptor x() {
        return x;
    }

    cudnnTensorDescriptor y() {
        return y;
    }

    cudnnTensorDescriptor bias() {
        return bias;
    }

    cudnnFilterDescriptor weight() {
        return weight;
    }

    cudnnConvolutionDescriptor convolution() {
        return convolution;
    }

    int algorithm() {
        return algorithm;
    }

    long workspaceBytes() {
        return workspaceBytes;
    }

    /** Destroys the descriptors, as far as the library still does it. */
    void close() {
        context.release(() -> JCudnn.cudnnDestroyTensorDescriptor(x));
        context.release(() -> JCudnn.cudnnDestroyTensorDescriptor(y));
        context.release(() -> JCudnn.cudnnDestroyTensorDescriptor(bias));
        context.release(() -> JCudnn.cudnnDestroyFilterDescriptor(weight));
        context.release(() -> JCudnn.cudnnDestroyConvolutionDescriptor(convolution));
    }
}
