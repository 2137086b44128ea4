package dev.instaflow.backend.cuda;

import dev.instaflow.kernels.Storage;
import jcuda.cudaDataType;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcudnn.cudnnDataType;
import jcuda.jcudnn.cudnnMathType;

/** How a network is computed: in what it is stored, and what NVIDIA's libraries may do with it. */
enum Numerics {
    /** F32 throughout. */
    F32(Storage.F32, cublasComputeType.CUBLAS_COMPUTE_32F, cudnnMathType.CUDNN_FMA_MATH),
    /** F32 in memory; products of numbers rounded to 10 bits behind the point where the device has TF32. */
    TF32(
            Storage.F32,
            cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32,
            cudnnMathType.CUDNN_DEFAULT_MATH),
    /** F16 in memory, F32 sums. */
    F16(Storage.F16, cublasComputeType.CUBLAS_COMPUTE_32F, cudnnMathType.CUDNN_TENSOR_OP_MATH),
    /** BF16 in memory, F32 sums. */
    BF16(Storage.BF16, cublasComputeType.CUBLAS_COMPUTE_32F, cudnnMathType.CUDNN_TENSOR_OP_MATH);

    private final Storage storage;
    private final int computeType;
    private final int mathType;

    Numerics(Storage storage, int computeType, int mathType) {
        this.storage = storage;
        this.computeType = computeType;
        this.mathType = mathType;
    }

    static Numerics of(Precision precision) {
        return valueOf(precision.name());
    }

    /** Of activations and of the weights of convolutions and linear layers. */
    Storage storage() {
        return storage;
    }

    /** What cuBLAS computes in. */
    int computeType() {
        return computeType;
    }

    /** What cuDNN computes with. */
    int mathType() {
        return mathType;
    }

    /** cuBLAS' name of {@link #storage}. */
    int blasType() {
        return switch (storage) {
            case F32 -> cudaDataType.CUDA_R_32F;
            case F16 -> cudaDataType.CUDA_R_16F;
            case BF16 -> cudaDataType.CUDA_R_16BF;
        };
    }

    /** cuDNN's name of {@link #storage}. */
    int dnnType() {
        return switch (storage) {
            case F32 -> cudnnDataType.CUDNN_DATA_FLOAT;
            case F16 -> cudnnDataType.CUDNN_DATA_HALF;
            case BF16 -> cudnnDataType.CUDNN_DATA_BFLOAT16;
        };
    }
}
