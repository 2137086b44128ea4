package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.backend.cpu.CpuFindings;
import dev.instaflow.backend.cuda.CudaFindings;
import dev.instaflow.backend.cuda.CudaFindings.Driver;
import dev.instaflow.backend.cuda.CudaFindings.Gpu;
import dev.instaflow.backend.cuda.CudaFindings.Library;
import dev.instaflow.backend.cuda.CudaFindings.State;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DoctorCommandTest {
    private static final CpuFindings CPU =
            new CpuFindings(8, Optional.of("oneDNN 3.13"), Optional.of("avx2"), Optional.empty());
    private static final DoctorReport.Runtime RUNTIME =
            new DoctorReport.Runtime("17", "Vendor", 1L << 30, "Linux 6.1", "amd64", 3L << 30);
    private static final Library CUBLAS =
            new Library(
                    "cuBLAS",
                    "libcublas.so.12, version 12",
                    Optional.of("12.3.4"),
                    Optional.of(Path.of("/lib/libcublas.so.12")),
                    Optional.empty());

    private static DoctorReport report(CudaFindings cuda, String device) {
        return new DoctorReport(
                RUNTIME,
                CPU,
                cuda,
                new DoctorReport.Choice(
                        Optional.of(device), device + ": since", Optional.of("backend")));
    }

    private static CudaFindings withGpu(State state, Library... libraries) {
        return new CudaFindings(
                state,
                "the reason",
                Optional.of(new Driver("12.4", Optional.of(Path.of("/lib/libcuda.so.1")))),
                List.of(new Gpu(0, "Some GPU", 86, 8L << 30)),
                List.of(libraries));
    }

    @Test
    void thisMachineHasADeviceAndIsDescribed() {
        String text = CommandRun.of("doctor").succeeded();
        assertTrue(text.contains(System.getProperty("java.version")), text);
        assertTrue(
                text.contains("oneDNN 3.")
                        && text.matches("(?s).*instruction set (avx|sse|number).*"),
                text);
        assertTrue(text.contains("Choice    --device auto takes "), text);
        assertTrue(text.contains("it works: "), text);
    }

    @Test
    void programsReadTheSame() throws IOException {
        JsonNode json = new ObjectMapper().readTree(CommandRun.of("doctor", "--json").succeeded());
        assertEquals(
                Runtime.getRuntime().availableProcessors(), json.at("/cpu/processors").asInt());
        assertTrue(json.at("/system/memoryBytes").asLong() > 1L << 28, json.toString());
        State.valueOf(json.at("/cuda/state").asText());
        assertFalse(json.at("/auto/device").isNull(), json.toString());
        assertTrue(json.at("/cuda/reason").asText().length() > 10, json.toString());
    }

    @Test
    void aMachineWithoutAGpuIsToldSoInPlainWords() {
        CudaFindings none =
                new CudaFindings(
                        State.NO_DRIVER,
                        "no NVIDIA driver: libcuda.so.1 was not found; install it",
                        Optional.empty(),
                        List.of(),
                        List.of());
        String text = report(none, "cpu").text();
        assertTrue(text.contains("GPU       none that can be used: no NVIDIA driver"), text);
        assertTrue(text.contains("  driver  not found"), text);
        assertTrue(text.contains("--device auto takes cpu: since"), text);
    }

    @Test
    void aGpuIsListedWithWhatWasFoundAndWhere() {
        String text = report(withGpu(State.USABLE, CUBLAS), "cuda").text();
        assertTrue(text.contains("GPU       the reason"), text);
        assertTrue(text.contains("  driver  for CUDA 12.4, /lib/libcuda.so.1"), text);
        assertTrue(text.contains("  cuda:0  Some GPU, compute capability 8.6, 8.0 GiB"), text);
        assertTrue(text.contains("  cuBLAS  12.3.4, /lib/libcublas.so.12; needed: "), text);
    }

    @Test
    void noDeviceAtAllIsAFailureThatSaysWhy() {
        DoctorReport.Choice none =
                new DoctorReport.Choice(Optional.empty(), "no device: why", Optional.empty());
        String text = new DoctorReport(RUNTIME, CPU, withGpu(State.NO_CUBLAS), none).text();
        assertTrue(text.endsWith("Choice    --device auto finds no device: why"), text);
    }

    @Test
    void aMissingLibraryIsListedWithWhatToDo() {
        Library cudnn =
                new Library(
                        "cuDNN",
                        "libcudnn.so.8, version 8.9",
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of("no cuDNN; install it"));
        DoctorReport report = report(withGpu(State.NO_CUDNN, CUBLAS, cudnn), "cpu");
        assertTrue(report.text().contains("  cuDNN   no cuDNN; install it"), report.text());
        JsonNode libraries = report.json().at("/cuda/libraries");
        assertEquals("12.3.4", libraries.at("/0/version").asText());
        assertTrue(libraries.at("/1/version").isNull());
        assertEquals("no cuDNN; install it", libraries.at("/1/obstacle").asText());
    }
}
