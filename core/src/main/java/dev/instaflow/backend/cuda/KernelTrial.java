package dev.instaflow.backend.cuda;

import static jcuda.driver.JCudaDriver.*;

import dev.instaflow.backend.cuda.CudaFindings.State;
import dev.instaflow.backend.cuda.CudaProbe.Obstacle;
import dev.instaflow.kernels.KernelModule;
import java.util.Optional;
import jcuda.CudaException;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;

/** Whether a device gives a context, and its driver takes our PTX. */
final class KernelTrial {
    /** A small module that needs the least device, so that little is assembled for nothing. */
    private static final KernelModule SAMPLE = KernelModule.CAST;

    private KernelTrial() {}

    /** Takes the device's primary context, which cuBLAS and cuDNN share, and gives it back. */
    static Optional<Obstacle> run(int index) {
        try {
            CUdevice device = new CUdevice();
            CudaStatus.check("cuDeviceGet", cuDeviceGet(device, index));
            CUcontext context = new CUcontext();
            CudaStatus.check("cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRetain(context, device));
            try {
                CudaStatus.check("cuCtxPushCurrent", cuCtxPushCurrent(context));
                try {
                    return load();
                } finally {
                    cuCtxPopCurrent(new CUcontext());
                }
            } finally {
                cuDevicePrimaryCtxRelease(device);
            }
        } catch (CudaException e) {
            return Optional.of(
                    new Obstacle(
                            State.DRIVER_ERROR,
                            "cuda:" + index + " is there, but " + e.getMessage()));
        }
    }

    private static Optional<Obstacle> load() {
        CUmodule module = new CUmodule();
        int status = Launcher.load(module, SAMPLE);
        if (status == CUresult.CUDA_SUCCESS) {
            cuModuleUnload(module);
            return Optional.empty();
        }
        return Optional.of(
                new Obstacle(
                        State.KERNELS_REFUSED,
                        "the NVIDIA driver refuses our kernels ("
                                + CUresult.stringFor(status)
                                + "); update the driver"));
    }
}
