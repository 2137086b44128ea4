package dev.instaflow.standin;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Loads the libraries from the class path. Once a library with a given SONAME is in the process, the dynamic linker takes it for every later
 * library that needs that name: so JCuda's get these.
 */
final class NativeFiles {
    /** In order: the others need the first. */
    static final List<String> LIBRARIES =
            List.of("libcuda.so.1", "libcublas.so.12", "libcudnn.so.8");

    private NativeFiles() {}

    static void loadAll() {
        try {
            // Only its owner may look into it.
            Path folder = Files.createTempDirectory("instaflow-standin");
            for (String library : LIBRARIES) {
                Path file = folder.resolve(library);
                try (InputStream in = NativeFiles.class.getResourceAsStream(library)) {
                    if (in == null) {
                        throw new IllegalStateException(
                                "no " + library + " beside " + NativeFiles.class.getName());
                    }
                    Files.copy(in, file);
                }
                load(file);
                // What is mapped needs no name any more.
                Files.delete(file);
            }
            Files.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("the stand-in libraries cannot be extracted", e);
        }
    }

    private static void load(Path file) {
        try {
            System.load(file.toString());
        } catch (UnsatisfiedLinkError e) {
            throw new IllegalStateException(
                    "the stand-in libraries are for Linux on x86-64 with glibc 2.34 or newer", e);
        }
    }
}
