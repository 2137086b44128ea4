package dev.instaflow.backend.cuda;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
import static jcuda.driver.JCudaDriver.*;

import dev.instaflow.backend.cuda.CudaFindings.Driver;
import dev.instaflow.backend.cuda.CudaFindings.Gpu;
import dev.instaflow.backend.cuda.CudaFindings.Library;
import dev.instaflow.backend.cuda.CudaFindings.State;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import jcuda.CudaException;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;

/**
 * Looks for a GPU and what it takes to use it, one step after the other, each step once. Every step may be
 * the one that fails on somebody's machine; none throws.
 * <p>A function that the driver or cuDNN does not have ends the process without an exception, since JCuda
 * binds lazily. So only functions are called that every version has, and the version is asked for before
 * the newer ones.
 */
final class CudaProbe {
    /** cuBLAS of CUDA 12 needs a driver of CUDA 12, which is 525 or newer. */
    static final int OLDEST_DRIVER = 12_000;

    /** The target of the kernels, see {@code KernelModule.target}. */
    static final int OLDEST_CAPABILITY = 75;

    private static final int MAX_NAME_BYTES = 256;

    /** What is in the way. */
    record Obstacle(State state, String reason) {}

    private record DriverStep(
            Optional<Driver> driver, List<Gpu> gpus, Optional<Obstacle> obstacle) {
        static DriverStep stopped(Optional<Driver> driver, State state, String reason) {
            return new DriverStep(driver, List.of(), Optional.of(new Obstacle(state, reason)));
        }
    }

    /** NVIDIA's and JCuda's libraries can be loaded once a process, and so this is. */
    private static final class OfProcess {
        static final CudaProbe PROBE = new CudaProbe(CudaLibraryPath.ofProcess());
    }

    private final CudaLibraryPath path;
    private final Map<Integer, Optional<Obstacle>> kernels = new HashMap<>();
    private final Map<NvidiaLibrary, Library> libraries = new HashMap<>();
    private Optional<DriverStep> driverStep = Optional.empty();

    private CudaProbe(CudaLibraryPath path) {
        this.path = path;
    }

    static CudaProbe ofProcess() {
        return OfProcess.PROBE;
    }

    /**
     * What concerns one device, up to the first obstacle.
     *
     * @param index the driver's number, or empty for the first that fits
     */
    synchronized CudaFindings device(OptionalInt index) {
        return findings(index, false);
    }

    /** Everything, also behind the first obstacle. */
    synchronized CudaFindings everything() {
        return findings(OptionalInt.empty(), true);
    }

    /** The number of the device meant: the one asked for, or the first that fits. */
    synchronized int chosen(OptionalInt index) {
        return index.orElseGet(
                () ->
                        driver().gpus().stream()
                                .filter(gpu -> gpu.capability() >= OLDEST_CAPABILITY)
                                .mapToInt(Gpu::index)
                                .findFirst()
                                .orElse(0));
    }

    private CudaFindings findings(OptionalInt index, boolean complete) {
        List<Library> looked = new ArrayList<>();
        Optional<Obstacle> first = platform();
        if (first.isEmpty()) {
            first = driver().obstacle();
            int device = chosen(index);
            if (first.isEmpty()) {
                first = unfit(device);
            }
            if (first.isEmpty()) {
                first = kernels(device);
            }
            for (NvidiaLibrary library : List.of(NvidiaLibrary.CUBLAS, NvidiaLibrary.CUDNN)) {
                if (first.isEmpty() || complete) {
                    Library found = library(library);
                    looked.add(found);
                    Optional<Obstacle> own =
                            found.obstacle().map(why -> new Obstacle(state(library), why));
                    first = first.or(() -> own);
                }
            }
        }
        Optional<DriverStep> step = driverStep;
        return new CudaFindings(
                first.map(Obstacle::state).orElse(State.USABLE),
                first.map(Obstacle::reason).orElseGet(() -> praise(chosen(index))),
                step.flatMap(DriverStep::driver),
                step.map(DriverStep::gpus).orElse(List.of()),
                looked);
    }

    private static State state(NvidiaLibrary library) {
        return library == NvidiaLibrary.CUBLAS ? State.NO_CUBLAS : State.NO_CUDNN;
    }

    private String praise(int device) {
        Gpu gpu = driver().gpus().get(device);
        return "%s, compute capability %s, %.1f GiB, driver for CUDA %s, cuBLAS %s, cuDNN %s"
                .formatted(
                        gpu.name(),
                        gpu.capabilityText(),
                        gpu.memoryBytes() / (double) (1 << 30),
                        driver().driver().map(Driver::version).orElse("?"),
                        library(NvidiaLibrary.CUBLAS).version().orElse("?"),
                        library(NvidiaLibrary.CUDNN).version().orElse("?"));
    }

    private Optional<Obstacle> platform() {
        if (!JCudaNatives.supportPlatform()) {
            return obstacle(
                    State.OTHER_PLATFORM,
                    "CUDA is supported on linux x86_64, this is " + JCudaNatives.platform());
        }
        if (path.named().isPresent() && !Files.isDirectory(path.named().get())) {
            return obstacle(
                    State.BAD_LIBRARY_PATH,
                    "INSTAFLOW_CUDA_LIBPATH (or the property "
                            + CudaLibraryPath.SETTING
                            + ") names "
                            + path.named().get()
                            + ", which is no folder");
        }
        for (NvidiaLibrary library : NvidiaLibrary.values()) {
            if (!library.isBound()) {
                return obstacle(
                        State.NO_BINDINGS,
                        "JCuda's library for the "
                                + library.title()
                                + " is not on the class path: put org.jcuda:jcuda-natives and"
                                + " org.jcuda:jcublas-natives, classifier linux-x86_64, there");
            }
        }
        return Optional.empty();
    }

    private DriverStep driver() {
        if (driverStep.isEmpty()) {
            driverStep = Optional.of(lookForDriver());
        }
        return driverStep.get();
    }

    private DriverStep lookForDriver() {
        Optional<Driver> driver = Optional.empty();
        try {
            NvidiaLibrary.DRIVER.load(path);
            int status = cuInit(0);
            int[] version = new int[1];
            int versionStatus = cuDriverGetVersion(version);
            driver =
                    Optional.of(
                            new Driver(
                                    versionStatus == CUresult.CUDA_SUCCESS
                                            ? version(version[0])
                                            : "unknown",
                                    NvidiaLibrary.DRIVER.file()));
            if (status != CUresult.CUDA_SUCCESS) {
                State state =
                        status == CUresult.CUDA_ERROR_NO_DEVICE
                                ? State.NO_DEVICE
                                : State.DRIVER_ERROR;
                return DriverStep.stopped(driver, state, CudaStatus.ofInit(status));
            }
            return lookForDevices(driver, version[0]);
        } catch (LinkageError e) {
            return DriverStep.stopped(
                    driver, State.NO_DRIVER, NvidiaLibrary.DRIVER.whyNot(e, path));
        } catch (CudaException | UncheckedIOException e) {
            return DriverStep.stopped(driver, State.DRIVER_ERROR, e.getMessage());
        }
    }

    private static DriverStep lookForDevices(Optional<Driver> driver, int version) {
        int[] count = new int[1];
        int status = cuDeviceGetCount(count);
        if (status != CUresult.CUDA_SUCCESS) {
            return DriverStep.stopped(
                    driver, State.DRIVER_ERROR, CudaStatus.of("cuDeviceGetCount", status));
        }
        if (count[0] == 0) {
            return DriverStep.stopped(
                    driver, State.NO_DEVICE, CudaStatus.ofInit(CUresult.CUDA_ERROR_NO_DEVICE));
        }
        if (version < OLDEST_DRIVER) {
            return DriverStep.stopped(
                    driver,
                    State.DRIVER_TOO_OLD,
                    "the NVIDIA driver is too old: it supports CUDA "
                            + version(version)
                            + " and 12.0 is needed; install driver 525 or newer");
        }
        List<Gpu> gpus = new ArrayList<>();
        for (int i = 0; i < count[0]; i++) {
            gpus.add(gpu(i));
        }
        return new DriverStep(driver, gpus, Optional.empty());
    }

    private static Gpu gpu(int index) {
        CUdevice device = new CUdevice();
        byte[] name = new byte[MAX_NAME_BYTES];
        long[] memoryBytes = new long[1];
        int[] major = new int[1];
        int[] minor = new int[1];
        CudaStatus.check("cuDeviceGet", cuDeviceGet(device, index));
        CudaStatus.check("cuDeviceGetName", cuDeviceGetName(name, MAX_NAME_BYTES, device));
        CudaStatus.check("cuDeviceTotalMem", cuDeviceTotalMem(memoryBytes, device));
        CudaStatus.check(
                "cuDeviceGetAttribute",
                cuDeviceGetAttribute(major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device));
        CudaStatus.check(
                "cuDeviceGetAttribute",
                cuDeviceGetAttribute(minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device));
        String text = new String(name, StandardCharsets.UTF_8);
        int end = text.indexOf('\0');
        return new Gpu(
                index,
                end < 0 ? text : text.substring(0, end),
                10 * major[0] + minor[0],
                memoryBytes[0]);
    }

    private Optional<Obstacle> unfit(int index) {
        List<Gpu> gpus = driver().gpus();
        if (index >= gpus.size()) {
            return obstacle(
                    State.UNFIT_DEVICE,
                    "there is no cuda:%d; the driver lists %d device%s, numbered from 0"
                            .formatted(index, gpus.size(), gpus.size() == 1 ? "" : "s"));
        }
        Gpu gpu = gpus.get(index);
        if (gpu.capability() < OLDEST_CAPABILITY) {
            return obstacle(
                    State.UNFIT_DEVICE,
                    "%s is too old: it has compute capability %s and 7.5 (Turing) is needed"
                            .formatted(gpu.name(), gpu.capabilityText()));
        }
        return Optional.empty();
    }

    private Optional<Obstacle> kernels(int device) {
        return kernels.computeIfAbsent(device, KernelTrial::run);
    }

    private Library library(NvidiaLibrary library) {
        return libraries.computeIfAbsent(library, which -> LibraryTrial.run(which, path));
    }

    private static Optional<Obstacle> obstacle(State state, String reason) {
        return Optional.of(new Obstacle(state, reason));
    }

    /** NVIDIA's number as text: 12040 is {@code 12.4}. */
    private static String version(int number) {
        return number / 1000 + "." + number % 1000 / 10;
    }
}
