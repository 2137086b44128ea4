package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.backend.BackendUnavailableException;
import java.util.Optional;

/**
 * What there is on this machine for the CPU backend.
 *
 * @param processors that the JVM may use
 * @param engine the library and its version: {@code oneDNN 3.13}; empty if it does not load
 * @param instructionSet the newest that the library uses here, in its words: {@code avx512_core}
 * @param obstacle one line, if the library does not load: why, and what to do
 */
public record CpuFindings(
        int processors,
        Optional<String> engine,
        Optional<String> instructionSet,
        Optional<String> obstacle) {
    /**
     * Loads the library to ask it.
     *
     * @return what there is
     */
    public static CpuFindings ofThisMachine() {
        int processors = CpuSettings.AUTOMATIC.resolvedThreads();
        try {
            OneDnn.load();
            return new CpuFindings(
                    processors,
                    Optional.of("oneDNN " + OneDnn.version()),
                    Optional.of(instructionSet(dnnl_get_effective_cpu_isa())),
                    Optional.empty());
        } catch (BackendUnavailableException e) {
            return new CpuFindings(
                    processors, Optional.empty(), Optional.empty(), Optional.of(e.getMessage()));
        }
    }

    /** AVX10.1 has the numbers of the AVX-512 that it contains. */
    private static String instructionSet(int number) {
        return switch (number) {
            case dnnl_cpu_isa_sse41 -> "sse41";
            case dnnl_cpu_isa_avx -> "avx";
            case dnnl_cpu_isa_avx2 -> "avx2";
            case dnnl_cpu_isa_avx2_vnni -> "avx2_vnni";
            case dnnl_cpu_isa_avx2_vnni_2 -> "avx2_vnni_2";
            case dnnl_cpu_isa_avx512_core -> "avx512_core";
            case dnnl_cpu_isa_avx512_core_vnni -> "avx512_core_vnni";
            case dnnl_cpu_isa_avx512_core_bf16 -> "avx512_core_bf16";
            case dnnl_cpu_isa_avx512_core_fp16 -> "avx512_core_fp16";
            case dnnl_cpu_isa_avx512_core_amx -> "avx512_core_amx";
            case dnnl_cpu_isa_avx512_core_amx_fp16 -> "avx512_core_amx_fp16";
            case dnnl_cpu_isa_avx10_2 -> "avx10_2";
            case dnnl_cpu_isa_avx10_2_amx_2 -> "avx10_2_amx_2";
            default -> "number " + number + " of dnnl_cpu_isa_t";
        };
    }
}
