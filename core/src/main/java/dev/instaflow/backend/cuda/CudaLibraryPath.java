package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Device;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where NVIDIA's libraries may lie.
 *
 * @param named a folder that the user named; what it holds comes before the system's
 * @param usual folders that the system's loader usually searches; looked into only to tell the user of
 *     other versions than the one needed
 */
record CudaLibraryPath(Optional<Path> named, List<Path> usual) {
    /** The setting that names a folder; in the environment {@code INSTAFLOW_CUDA_LIBPATH}. */
    static final String SETTING = "instaflow.cuda.libpath";

    private static final List<String> USUAL =
            List.of(
                    "/usr/local/cuda/lib64",
                    "/usr/lib/x86_64-linux-gnu",
                    "/usr/lib64",
                    "/usr/local/lib",
                    "/usr/lib");

    CudaLibraryPath {
        usual = List.copyOf(usual);
    }

    /** As this process was started. */
    static CudaLibraryPath ofProcess() {
        List<Path> usual = new ArrayList<>();
        for (String folder : Device.environment("LD_LIBRARY_PATH").orElse("").split(":")) {
            if (!folder.isEmpty()) {
                usual.add(Path.of(folder));
            }
        }
        USUAL.forEach(folder -> usual.add(Path.of(folder)));
        return new CudaLibraryPath(Device.setting(SETTING).map(Path::of), usual);
    }

    /** All of it, the named folder first. */
    List<Path> folders() {
        List<Path> all = new ArrayList<>();
        named.ifPresent(all::add);
        all.addAll(usual);
        return all;
    }
}
