/**
 * CUDA kernels for what cuBLAS and cuDNN do not do best: their PTX as resources and, one class a family, the launch that computes an
 * operation on given shapes and addresses. Launchers are pure functions and know no driver, so that the same launch runs on a device or
 * in the emulator. Start with {@link dev.instaflow.kernels.KernelLaunch}, then {@link dev.instaflow.kernels.GroupNormKernel}.
 */
package dev.instaflow.kernels;
