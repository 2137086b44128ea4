package dev.instaflow.backend.cuda;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What there is on this machine for the CUDA backend, and what is in its way.
 *
 * @param state the first obstacle, or that there is none
 * @param reason one line for people: what was found and, if there is an obstacle, what to do about it
 * @param driver the driver, if one answers
 * @param gpus the devices that the driver lists, in its order
 * @param libraries NVIDIA's libraries, as far as they were looked for
 */
public record CudaFindings(
        State state,
        String reason,
        Optional<Driver> driver,
        List<Gpu> gpus,
        List<Library> libraries) {
    /** Obstacles in the order in which they are looked for. */
    public enum State {
        /** Not Linux on x86-64. */
        OTHER_PLATFORM,
        /** The setting of a folder with libraries names none. */
        BAD_LIBRARY_PATH,
        /** JCuda's natives are not on the class path. */
        NO_BINDINGS,
        /** The driver's library is not there or does not load. */
        NO_DRIVER,
        /** There is a driver, and it sees no device. */
        NO_DEVICE,
        /** The driver answers with an error. */
        DRIVER_ERROR,
        /** The driver is older than CUDA 12. */
        DRIVER_TOO_OLD,
        /** The device is older than the kernels' target, or has another number than asked for. */
        UNFIT_DEVICE,
        /** The driver does not take the kernels. */
        KERNELS_REFUSED,
        /** cuBLAS is not there, does not load or has the wrong version. */
        NO_CUBLAS,
        /** cuDNN is not there, does not load or has the wrong version. */
        NO_CUDNN,
        /** Nothing is in the way. */
        USABLE
    }

    /**
     * The driver.
     *
     * @param version the newest CUDA that it supports: {@code 12.4}
     * @param file the library, where the system tells
     */
    public record Driver(String version, Optional<Path> file) {}

    /**
     * A graphics card, or what the driver lists as one.
     *
     * @param index the driver's number, from 0; {@code --device cuda:1} names number 1
     * @param name as {@code NVIDIA A100-SXM4-40GB}
     * @param capability compute capability, ten times the major number and the minor one: 80
     * @param memoryBytes all of its memory
     */
    public record Gpu(int index, String name, int capability, long memoryBytes) {
        /**
         * Compute capability as NVIDIA writes it.
         *
         * @return such as {@code 8.0}
         */
        public String capabilityText() {
            return capability / 10 + "." + capability % 10;
        }
    }

    /**
     * One of NVIDIA's libraries.
     *
     * @param name as {@code cuDNN}
     * @param needed what is needed: {@code libcudnn.so.8, version 8.9}
     * @param version what was found, if it tells
     * @param file where, where the system tells
     * @param obstacle one line, if it cannot be used: why, and what to do
     */
    public record Library(
            String name,
            String needed,
            Optional<String> version,
            Optional<Path> file,
            Optional<String> obstacle) {}

    /** Copies the lists. */
    public CudaFindings {
        gpus = List.copyOf(gpus);
        libraries = List.copyOf(libraries);
    }

    /**
     * Looks for everything, also behind the first obstacle, without taking a device; once a process.
     *
     * @return what there is
     */
    public static CudaFindings ofThisMachine() {
        return CudaProbe.ofProcess().everything();
    }

    /**
     * Whether nothing is in the way.
     *
     * @return true if a backend can be opened, as far as can be told without opening one
     */
    public boolean usable() {
        return state == State.USABLE;
    }
}
