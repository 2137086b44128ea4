package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.backend.BackendException;
import dev.instaflow.backend.BackendUnavailableException;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.javacpp.Loader;

/** Loading the library, and its status codes as exceptions. */
final class OneDnn {
    private OneDnn() {}

    /**
     * Loads the native library; the first call of all on a machine unpacks it into JavaCPP's cache.
     *
     * @throws BackendUnavailableException with what was found and what to do
     */
    static void load() {
        try {
            OpenMp.limitSpinning();
            Loader.load(org.bytedeco.dnnl.global.dnnl.class);
        } catch (LinkageError | RuntimeException e) {
            throw unavailable(Loader.getPlatform(), e);
        }
    }

    private static BackendUnavailableException unavailable(String platform, Throwable cause) {
        return new BackendUnavailableException(
                ("oneDNN does not load on platform %1$s (%2$s): put org.bytedeco:javacpp and"
                                + " org.bytedeco:dnnl with classifier %1$s on the class path"
                                + " (building from source: -Djavacpp.platform=%1$s), or choose the"
                                + " reference backend, which is slow but needs no library")
                        .formatted(platform, cause),
                cause);
    }

    /** As {@code 3.13}. */
    static String version() {
        dnnl_version_t version = dnnl_version();
        return version.major() + "." + version.minor();
    }

    /** Throws unless {@code status} is success; {@code call} and {@code what} go into the message. */
    static void check(int status, String call, Object what) {
        if (status != dnnl_success) {
            throw new BackendException(
                    "oneDNN %s: %s for %s".formatted(call, status(status), what));
        }
    }

    private static String status(int status) {
        return switch (status) {
            case dnnl_out_of_memory -> "out_of_memory";
            case dnnl_invalid_arguments -> "invalid_arguments";
            case dnnl_unimplemented -> "unimplemented";
            case dnnl_runtime_error -> "runtime_error";
            default -> "status " + status;
        };
    }
}
