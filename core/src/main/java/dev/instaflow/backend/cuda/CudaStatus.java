package dev.instaflow.backend.cuda;

import jcuda.CudaException;
import jcuda.driver.CUresult;

/** The driver's status codes in words. */
final class CudaStatus {
    private CudaStatus() {}

    /** What {@code cuInit} means, and what to do. */
    static String ofInit(int status) {
        return switch (status) {
            case CUresult.CUDA_ERROR_NO_DEVICE ->
                    "the NVIDIA driver sees no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES";
            case CUresult.CUDA_ERROR_STUB_LIBRARY ->
                    "the libcuda.so.1 that was found is the toolkit's stub; take its folder from"
                            + " LD_LIBRARY_PATH, or install the driver";
            case CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH ->
                    "the NVIDIA driver was updated while the old one runs; restart the machine";
            case CUresult.CUDA_ERROR_UNKNOWN ->
                    "the NVIDIA driver answers CUDA_ERROR_UNKNOWN; check nvidia-smi, and that the"
                            + " kernel module nvidia-uvm is loaded";
            default -> of("cuInit", status) + "; check nvidia-smi";
        };
    }

    /** What a call answered. */
    static String of(String call, int status) {
        return "the NVIDIA driver answers " + CUresult.stringFor(status) + " to " + call;
    }

    /** Throws what JCuda throws where it is told to, unless the status is success. */
    static void check(String call, int status) {
        if (status != CUresult.CUDA_SUCCESS) {
            throw new CudaException(of(call, status));
        }
    }
}
