package dev.instaflow.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.instaflow.backend.cuda.CudaFindings.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each state in a process of its own, since libraries are loaded once a process. */
class CudaProbeTest {
    /** Runs in the other process: device numbers, or {@code all}. */
    public static final class Main {
        private Main() {}

        public static void main(String[] words) {
            for (String word : words) {
                CudaFindings found =
                        switch (word) {
                            case "all" -> CudaFindings.ofThisMachine();
                            case "first" -> CudaProbe.ofProcess().device(OptionalInt.empty());
                            default ->
                                    CudaProbe.ofProcess()
                                            .device(OptionalInt.of(Integer.parseInt(word)));
                        };
                System.out.println(found.state() + " " + found.reason());
                if (word.equals("all")) {
                    System.out.println(found.driver() + "\n" + found.gpus());
                    found.libraries().forEach(System.out::println);
                }
            }
            System.out.println("temporary folder " + System.getProperty("java.io.tmpdir"));
        }
    }

    @TempDir private Path libraries;
    @TempDir private Path temporary;

    private NvidiaOutline outline;

    @BeforeEach
    void build() throws IOException, InterruptedException {
        outline = NvidiaOutline.build(libraries);
    }

    private String run(Map<String, String> answers, String... words)
            throws IOException, InterruptedException {
        String[] all =
                Stream.concat(
                                Stream.of("-Djava.io.tmpdir=" + temporary, Main.class.getName()),
                                Stream.of(words))
                        .toArray(String[]::new);
        String output = outline.run(answers, all);
        assertTrue(output.endsWith("temporary folder " + temporary + "\n"), output);
        return output;
    }

    private void runs(State state, Map<String, String> answers, String... texts)
            throws IOException, InterruptedException {
        String output = run(answers, "first");
        String line = output.lines().filter(l -> l.startsWith(state + " ")).findFirst().orElse("");
        for (String text : texts) {
            assertTrue(line.contains(text), output);
        }
    }

    @Test
    void aMachineWithEverythingIsUsable() throws IOException, InterruptedException {
        String output = run(Map.of(), "first", "1", "all");
        String praise =
                "USABLE Outline 1, compute capability 8.6, 9.0 GiB, driver for CUDA 12.2,"
                        + " cuBLAS 12.3.4, cuDNN 8.9.7";
        assertEquals(3, output.lines().filter(praise::equals).count(), output);
        assertTrue(output.contains("file=Optional[" + libraries), output);
        assertTrue(output.contains("Gpu[index=0, name=Outline 0, capability=70"), output);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "OUTLINE_INIT=100       | NO_DEVICE       | sees no GPU; check nvidia-smi",
                "OUTLINE_DEVICES=0      | NO_DEVICE       | sees no GPU; check nvidia-smi",
                "OUTLINE_INIT=999       | DRIVER_ERROR    | CUDA_ERROR_UNKNOWN; check nvidia-smi",
                "OUTLINE_INIT=803       | DRIVER_ERROR    | restart the machine",
                "OUTLINE_INIT=34        | DRIVER_ERROR    | stub",
                "OUTLINE_INIT=3         | DRIVER_ERROR    | CUDA_ERROR_NOT_INITIALIZED to cuInit",
                "OUTLINE_DRIVER=11080   | DRIVER_TOO_OLD  | supports CUDA 11.8 and 12.0 is needed; install",
                "OUTLINE_CAPABILITY=70  | UNFIT_DEVICE    | compute capability 7.0 and 7.5",
                "OUTLINE_CONTEXT=2      | DRIVER_ERROR    | cuda:1 is there, but the NVIDIA driver answers CUDA_ERROR_OUT_OF_MEMORY",
                "OUTLINE_MODULE=222     | KERNELS_REFUSED | UNSUPPORTED_PTX_VERSION); update the driver",
                "OUTLINE_CUDNN=8204     | NO_CUDNN        | cuDNN 8.2.4 was found and 8.9 is needed; install",
                "OUTLINE_CUDNN_CUDA=11080 | NO_CUDNN      | cuDNN 8.9.7 was built for CUDA 11; install",
            })
    void eachObstacleIsNamedWithWhatToDo(String answer, State state, String text)
            throws IOException, InterruptedException {
        String[] words = answer.split("=");
        runs(state, Map.of(words[0], words[1]), text);
    }

    @Test
    void aVersionOfCublasThatIsNotToldIsThatOfItsFile() throws IOException, InterruptedException {
        runs(State.USABLE, Map.of("OUTLINE_CUBLAS", "15"), "cuBLAS 12, cuDNN 8.9.7");
    }

    @Test
    void aDeviceIsChosenByItsNumber() throws IOException, InterruptedException {
        String output = run(Map.of(), "0", "5", "1");
        String[] lines = output.split("\n");
        assertTrue(lines[0].startsWith("UNFIT_DEVICE Outline 0 is too old"), output);
        assertTrue(
                lines[1].startsWith("UNFIT_DEVICE there is no cuda:5; the driver lists 2"), output);
        assertTrue(lines[2].startsWith("USABLE Outline 1"), output);
    }

    @Test
    void aMissingLibraryIsNamedWithTheVersionsThatAreThere()
            throws IOException, InterruptedException {
        assumeNotInstalled("libcudnn.so.8");
        Files.move(libraries.resolve("libcudnn.so.8"), libraries.resolve("libcudnn.so.9"));
        runs(
                State.NO_CUDNN,
                Map.of(),
                "no cuDNN: libcudnn.so.8 was not found",
                libraries.resolve("libcudnn.so.9").toString(),
                "install cuDNN 8.9 for CUDA 12",
                "INSTAFLOW_CUDA_LIBPATH");
        assumeNotInstalled("libcublas.so.12");
        Files.delete(libraries.resolve("libcublas.so.12"));
        runs(State.NO_CUBLAS, Map.of(), "no cuBLAS: libcublas.so.12 was not found; install");
    }

    @Test
    void withoutADriverTheLibrariesAreStillLookedFor() throws IOException, InterruptedException {
        assumeNotInstalled("libcuda.so.1");
        Files.delete(libraries.resolve("libcuda.so.1"));
        String output = run(Map.of(), "all");
        assertTrue(
                output.startsWith(
                        "NO_DRIVER no NVIDIA driver: libcuda.so.1 was not found; install"),
                output);
        assertTrue(
                output.contains("Optional[12.3.4]") && output.contains("Optional[8.9.7]"), output);
    }

    @Test
    void aFileThatIsNoLibraryIsAReasonAndNoCrash() throws IOException, InterruptedException {
        Files.writeString(libraries.resolve("libcuda.so.1"), "not a library");
        runs(State.NO_DRIVER, Map.of(), "libcuda.so.1", "file too short");
    }

    @Test
    void aSettingThatNamesNoFolderIsAReason() throws IOException, InterruptedException {
        String missing = libraries.resolve("missing").toString();
        runs(State.BAD_LIBRARY_PATH, Map.of("INSTAFLOW_CUDA_LIBPATH", missing), missing);
    }

    @Test
    void nothingInTheSharedTemporaryFolderIsLoadedAndNothingStaysThere()
            throws IOException, InterruptedException {
        Path planted = temporary.resolve("libJCudaDriver-12.6.0-linux-x86_64.so");
        Files.writeString(planted, "planted by somebody else");
        runs(State.USABLE, Map.of(), "Outline 1");
        try (Stream<Path> files = Files.list(temporary)) {
            assertEquals(
                    planted, files.reduce((a, b) -> a.resolve("and").resolve(b)).orElseThrow());
        }
    }

    @Test
    void findingsAreMadeOnce() throws IOException, InterruptedException {
        String output = run(Map.of(), "all", "all");
        String[] halves = output.split("(?=USABLE)");
        assertEquals(2, halves.length, output);
        assertFalse(halves[0].isEmpty());
        assertTrue(halves[1].startsWith(halves[0]), output);
    }

    /** The system's loader finds what is installed, whatever folder is named. */
    private static void assumeNotInstalled(String file) {
        for (Path folder : CudaLibraryPath.ofProcess().folders()) {
            assumeFalse(Files.exists(folder.resolve(file)), file + " is installed in " + folder);
        }
    }
}
