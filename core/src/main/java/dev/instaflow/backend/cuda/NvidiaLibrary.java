package dev.instaflow.backend.cuda;

import dev.instaflow.backend.BackendUnavailableException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** NVIDIA's libraries that the backend needs, each with JCuda's binding to it. */
enum NvidiaLibrary {
    /** Comes with the driver of the graphics card. */
    DRIVER(
            "NVIDIA driver",
            "libcuda.so.1",
            "jcuda.driver.JCudaDriver",
            "install the driver (525 or newer)",
            List.of()),
    /** Matrix products. */
    CUBLAS(
            "cuBLAS",
            "libcublas.so.12",
            "jcuda.jcublas.JCublas2",
            "install cuBLAS of CUDA 12",
            List.of("libcublasLt.so.12")),
    /** Convolutions. Its main library opens the others by name when they are first needed. */
    CUDNN(
            "cuDNN",
            "libcudnn.so.8",
            "jcuda.jcudnn.JCudnn",
            "install cuDNN 8.9 for CUDA 12",
            List.of(
                    "libcudnn_ops_infer.so.8",
                    "libcudnn_cnn_infer.so.8",
                    "libcudnn_ops_train.so.8",
                    "libcudnn_cnn_train.so.8"));

    private static final Pattern MISSING =
            Pattern.compile("(lib[\\w.-]+\\.so[.\\d]*): cannot open shared object");
    private static final Pattern LINK_ERROR = Pattern.compile("UnsatisfiedLinkError: ([^\\n]+)");
    private static final Path MAPS = Path.of("/proc/self/maps");

    private final String title;
    private final String fileName;
    private final String binding;
    private final String remedy;
    private final List<String> companions;

    NvidiaLibrary(
            String title, String fileName, String binding, String remedy, List<String> companions) {
        this.title = title;
        this.fileName = fileName;
        this.binding = binding;
        this.remedy = remedy;
        this.companions = companions;
    }

    /** For people: {@code cuBLAS}. */
    String title() {
        return title;
    }

    /** What the loader is asked for: {@code libcublas.so.12}. */
    String fileName() {
        return fileName;
    }

    /** What a user does who lacks it. */
    String remedy() {
        return remedy;
    }

    /** Whether JCuda's native half is on the class path. */
    boolean isBound() {
        return JCudaNatives.has(binding.substring(binding.lastIndexOf('.') + 1));
    }

    /**
     * Loads the library and JCuda's binding to it. A library that was loaded by its full path satisfies all
     * that ask for its name later, so that a named folder needs no {@code LD_LIBRARY_PATH}.
     *
     * @throws LinkageError if something does not load, see {@link #whyNot}
     */
    void load(CudaLibraryPath path) {
        if (path.named().isPresent()) {
            Path folder = path.named().get().toAbsolutePath();
            Stream.concat(companions.stream(), Stream.of(fileName))
                    .map(folder::resolve)
                    .filter(Files::exists)
                    .forEach(file -> System.load(file.toString()));
        }
        JCudaNatives.load(binding);
    }

    /**
     * Loads all of them with JCuda's bindings, which have to be touched by nothing before; again, it does
     * nothing.
     *
     * @throws BackendUnavailableException if one does not load
     */
    static void loadAll() {
        CudaLibraryPath path = CudaLibraryPath.ofProcess();
        for (NvidiaLibrary library : values()) {
            try {
                library.load(path);
            } catch (LinkageError e) {
                throw new BackendUnavailableException("cuda: " + library.whyNot(e, path), e);
            }
        }
    }

    /** One line: why {@link #load} failed, and what to do. */
    String whyNot(LinkageError error, CudaLibraryPath path) {
        String message = String.valueOf(error.getMessage());
        Matcher missing = MISSING.matcher(message);
        if (missing.find()) {
            String name = missing.group(1);
            String what =
                    name.equals(fileName)
                            ? "no " + title + ": " + fileName + " was not found"
                            : title + " does not load: " + name + " was not found";
            return what + others(path) + "; " + remedy + (this == DRIVER ? "" : orName());
        }
        // JCuda's message is several stack traces; the last of its lines is the attempt that
        // counts.
        String line = message.lines().findFirst().orElse("");
        Matcher cause = LINK_ERROR.matcher(message);
        while (cause.find()) {
            line = cause.group(1);
        }
        return title + " does not load (" + line.strip() + "); " + remedy;
    }

    /** What to do besides installing. */
    String orName() {
        return ", or name the folder that has it in INSTAFLOW_CUDA_LIBPATH";
    }

    /** Files of other versions, for a user who wonders since "it is installed". */
    private String others(CudaLibraryPath path) {
        String stem = fileName.substring(0, fileName.lastIndexOf('.'));
        List<String> found = new ArrayList<>();
        for (Path folder : path.folders()) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, stem + ".*")) {
                for (Path file : files) {
                    if (file.getFileName().toString().matches(Pattern.quote(stem) + "\\.\\d+")) {
                        found.add(file.toString());
                    }
                }
            } catch (IOException e) {
                continue; // no such folder: it has no such file either
            }
        }
        found.removeIf(file -> file.endsWith(fileName));
        return found.isEmpty() ? "" : " (another version was: " + String.join(", ", found) + ")";
    }

    /** The file that this process has loaded. */
    Optional<Path> file() {
        try (Stream<String> lines = Files.lines(MAPS)) {
            // libcuda.so.1 is a link to libcuda.so.535.54.03, and maps have the latter.
            Pattern name =
                    Pattern.compile(
                            ".* (/.*/"
                                    + Pattern.quote(fileName.replaceAll("\\.\\d+$", ""))
                                    + "[.\\d]*)$");
            return lines.map(name::matcher)
                    .filter(Matcher::matches)
                    .map(matcher -> Path.of(matcher.group(1)))
                    .findFirst();
        } catch (IOException | UncheckedIOException e) {
            return Optional.empty(); // told to people alone, nothing depends on it
        }
    }
}
