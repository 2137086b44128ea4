package dev.instaflow.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;

/** A folder with outlines of NVIDIA's libraries, built from {@code src/test/c/nvidia_outline.c}. */
record NvidiaOutline(Path folder) {
    private static final Path SOURCE = Path.of("src/test/c/nvidia_outline.c");

    static final Map<String, String> FILES =
            Map.of(
                    "OUTLINE_CUDA", "libcuda.so.1",
                    "OUTLINE_CUBLAS", "libcublas.so.12",
                    "OUTLINE_CUDNN", "libcudnn.so.8");

    /** Builds the libraries; without a C compiler the calling test is skipped. */
    static NvidiaOutline build(Path folder) throws IOException, InterruptedException {
        assumeTrue(
                Stream.of(System.getenv("PATH").split(File.pathSeparator))
                        .anyMatch(place -> Files.isExecutable(Path.of(place, "gcc"))),
                "no gcc to build outlines of NVIDIA's libraries with");
        for (Map.Entry<String, String> file : FILES.entrySet()) {
            Process gcc =
                    new ProcessBuilder(
                                    "gcc",
                                    "-shared",
                                    "-fPIC",
                                    "-Wall",
                                    "-Werror",
                                    "-Wno-unused-function",
                                    "-D" + file.getKey(),
                                    "-Wl,-soname," + file.getValue(),
                                    "-o",
                                    folder.resolve(file.getValue()).toString(),
                                    SOURCE.toString())
                            .redirectErrorStream(true)
                            .start();
            String output = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, gcc.waitFor(), output);
        }
        return new NvidiaOutline(folder);
    }

    /**
     * Runs a main in another process that sees these libraries.
     *
     * @param answers what the libraries answer, by names of the C source
     * @param words options of the JVM, then the main class and its arguments
     * @return all that it printed; it ended well
     */
    String run(Map<String, String> answers, String... words)
            throws IOException, InterruptedException {
        Map<String, String> environment = new HashMap<>();
        environment.put("INSTAFLOW_CUDA_LIBPATH", folder.toString());
        environment.putAll(answers);
        return ChildJvm.run(environment, words);
    }
}
