package dev.instaflow.backend.cuda;

import dev.instaflow.backend.cuda.CudaFindings.Library;
import java.io.UncheckedIOException;
import java.util.Optional;
import jcuda.CudaException;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasStatus;
import jcuda.jcudnn.JCudnn;

/**
 * Whether cuBLAS and cuDNN load, and which version they are. No handle is made: that takes the device's
 * memory and, with an old driver, seconds, and is the backend's when it opens.
 */
final class LibraryTrial {
    private static final int CUDNN_OLDEST = 8_900;
    private static final int CUDNN_TOO_NEW = 9_000;
    private static final int CUDA_11 = 11_000;
    private static final int CUDA_12 = 12_000;

    private LibraryTrial() {}

    static Library run(NvidiaLibrary library, CudaLibraryPath path) {
        String needed =
                library.fileName()
                        + (library == NvidiaLibrary.CUDNN ? ", version 8.9" : ", version 12");
        try {
            library.load(path);
            return library == NvidiaLibrary.CUDNN ? cudnn(needed) : cublas(needed);
        } catch (LinkageError e) {
            return missing(library, needed, library.whyNot(e, path));
        } catch (CudaException | UncheckedIOException e) {
            return missing(library, needed, e.getMessage());
        }
    }

    /** The name under which it is loaded fixes the major version, so that nothing is to be judged here. */
    private static Library cublas(String needed) {
        int[] number = new int[1];
        StringBuilder version = new StringBuilder();
        for (int part = 0; part < 3; part++) { // MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL
            if (JCublas2.cublasGetProperty(part, number) != cublasStatus.CUBLAS_STATUS_SUCCESS) {
                return cublas(needed, "12");
            }
            version.append(part == 0 ? "" : ".").append(number[0]);
        }
        return cublas(needed, version.toString());
    }

    private static Library cublas(String needed, String version) {
        return new Library(
                NvidiaLibrary.CUBLAS.title(),
                needed,
                Optional.of(version),
                NvidiaLibrary.CUBLAS.file(),
                Optional.empty());
    }

    private static Library cudnn(String needed) {
        long number = JCudnn.cudnnGetVersion();
        String version = number / 1000 + "." + number % 1000 / 100 + "." + number % 100;
        Optional<String> obstacle = Optional.empty();
        if (number < CUDNN_OLDEST || number >= CUDNN_TOO_NEW) {
            obstacle = Optional.of("cuDNN " + version + " was found and 8.9 is needed");
        } else {
            long runtime = JCudnn.cudnnGetCudartVersion();
            if (runtime >= CUDA_11 && runtime < CUDA_12) {
                obstacle = Optional.of("cuDNN " + version + " was built for CUDA 11");
            }
        }
        return new Library(
                NvidiaLibrary.CUDNN.title(),
                needed,
                Optional.of(version),
                NvidiaLibrary.CUDNN.file(),
                obstacle.map(
                        why ->
                                why
                                        + "; "
                                        + NvidiaLibrary.CUDNN.remedy()
                                        + NvidiaLibrary.CUDNN.orName()));
    }

    private static Library missing(NvidiaLibrary library, String needed, String why) {
        return new Library(
                library.title(), needed, Optional.empty(), library.file(), Optional.of(why));
    }
}
