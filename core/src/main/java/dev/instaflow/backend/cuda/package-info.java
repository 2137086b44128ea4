/**
 * The CUDA backend: cuBLAS, cuDNN and the kernels of {@code dev.instaflow.kernels} on an NVIDIA GPU, through
 * JCuda and the driver API alone. A machine without a GPU, a driver or one of NVIDIA's libraries is the usual
 * case and no error before the device is asked for, so that what is there is looked for step by step, and
 * nothing native is touched before. Start reading at {@code CudaProvider}.
 */
package dev.instaflow.backend.cuda;
