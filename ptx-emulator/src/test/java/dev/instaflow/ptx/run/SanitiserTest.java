package dev.instaflow.ptx.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.ptx.PtxTexts;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every check fires on a kernel with that one bug, at a line that says BUG, and is silent on its twin
 * without it. Each file of {@code seeded/} holds both: in the twin, what stands behind FIX replaces a
 * line that says BUG.
 */
class SanitiserTest {
    private static final int THREADS = 64;

    @ParameterizedTest
    @CsvSource({
        "out_of_bounds_load, OUT_OF_BOUNDS",
        "out_of_bounds_shared, OUT_OF_BOUNDS",
        "misaligned, MISALIGNED",
        "misaligned_shared, MISALIGNED",
        "uninitialised_global, UNINITIALISED_READ",
        "uninitialised_shared, UNINITIALISED_READ",
        "uninitialised_local, UNINITIALISED_READ",
        "race_read_after_write, SHARED_RACE",
        "race_write_after_read, SHARED_RACE",
        "race_write_after_write, SHARED_RACE",
        "race_within_warp, SHARED_RACE",
        "barrier_in_branch, DIVERGENT_BARRIER",
        "barrier_after_exit, DIVERGENT_BARRIER",
        "barriers_differ, DIVERGENT_BARRIER",
        "barrier_count, DIVERGENT_BARRIER",
        "copy_not_awaited, ASYNC_COPY_IN_FLIGHT",
        "copy_awaited_too_weakly, ASYNC_COPY_IN_FLIGHT",
        "copy_without_barrier, SHARED_RACE",
        "copy_overtakes_reader, SHARED_RACE",
        "shuffle_of_absent_lane, DIVERGENT_WARP",
        "shuffle_in_branch, DIVERGENT_WARP",
        "store_to_constant, READ_ONLY_WRITE",
        "endless_loop, INSTRUCTION_LIMIT",
        "trap, TRAP",
        "misaligned_copy, MISALIGNED",
        "copy_out_of_bounds, OUT_OF_BOUNDS",
        "copy_of_uninitialised, UNINITIALISED_READ",
        "uninitialised_matrix, UNINITIALISED_READ",
        "misaligned_matrix, MISALIGNED",
        "out_of_bounds_local, OUT_OF_BOUNDS",
        "out_of_bounds_generic, OUT_OF_BOUNDS",
        "atomic_and_plain, SHARED_RACE",
        "arrival_too_few, DIVERGENT_BARRIER",
        "target_beyond_table, OUT_OF_BOUNDS"
    })
    void bugIsFoundAtItsLineAndItsTwinIsClean(String name, Finding.Kind kind) throws IOException {
        String text = PtxTexts.read("seeded/" + name + ".ptx");
        LaunchReport broken = launch(name, text, LaunchSettings.checked());
        List<Integer> bugs = linesWith(text, "BUG");
        assertFalse(bugs.isEmpty(), "no line says BUG");
        assertTrue(
                broken.findings().stream()
                        .anyMatch(f -> f.kind() == kind && bugs.contains(f.line())),
                "found only " + broken.findings());

        LaunchReport twin = launch(name + " twin", twin(text), LaunchSettings.checked());
        assertEquals(List.of(), twin.findings());
    }

    @ParameterizedTest
    @CsvSource({
        "out_of_bounds_load, OUT_OF_BOUNDS",
        "out_of_bounds_shared, OUT_OF_BOUNDS",
        "out_of_bounds_local, OUT_OF_BOUNDS",
        "out_of_bounds_generic, OUT_OF_BOUNDS",
        "copy_out_of_bounds, OUT_OF_BOUNDS",
        "misaligned, MISALIGNED",
        "misaligned_shared, MISALIGNED",
        "misaligned_matrix, MISALIGNED",
        "store_to_constant, READ_ONLY_WRITE",
        "barrier_in_branch, DIVERGENT_BARRIER",
        "arrival_too_few, DIVERGENT_BARRIER",
        "shuffle_in_branch, DIVERGENT_WARP",
        "endless_loop, INSTRUCTION_LIMIT",
        "trap, TRAP"
    })
    void whatEndsALaunchIsFoundInCompiledCodeToo(String name, Finding.Kind kind)
            throws IOException {
        String text = PtxTexts.read("seeded/" + name + ".ptx");
        LaunchReport broken = launch(name, text, LaunchSettings.fast(2));
        assertEquals(kind, broken.findings().get(0).kind());
        int line = broken.findings().get(0).line();
        boolean loop = kind == Finding.Kind.INSTRUCTION_LIMIT;
        assertTrue(loop || linesWith(text, "BUG").contains(line), "at line " + line);
    }

    private static String twin(String text) {
        return text.lines()
                .map(l -> l.contains("BUG") ? l.substring(l.indexOf("FIX") + 3) : l)
                .collect(Collectors.joining("\n"));
    }

    private static List<Integer> linesWith(String text, String word) {
        List<String> lines = text.lines().toList();
        return java.util.stream.IntStream.range(0, lines.size())
                .filter(i -> lines.get(i).contains(word))
                .mapToObj(i -> i + 1)
                .toList();
    }

    /** Kernel k(in, out, empty): 64 initialised words, 64 words for results, 64 words never written. */
    private static LaunchReport launch(String name, String text, LaunchSettings settings) {
        Bench bench = Bench.ofText(name, text);
        int[] values = new int[THREADS];
        Arrays.setAll(values, i -> i);
        long in = bench.upload(values);
        long out = bench.memory.allocate(4 * THREADS);
        long empty = bench.memory.allocate(4 * THREADS);
        EmulatedKernel k = bench.kernel("k");
        byte[] block = k.arguments().int64(in).int64(out).int64(empty).toBlock();
        return k.launch(
                Dim3.of(1), Dim3.of(THREADS), 0, block, settings.withMaxWarpInstructions(100_000));
    }

    @Test
    void freedMemoryIsRecognised() {
        Bench bench = Bench.ofBody("", "ld.global.u32 %r1, [%a];\nret;");
        long a = bench.upload(1);
        EmulatedKernel k = bench.kernel("k");
        KernelArguments arguments = k.arguments().int64(a).int64(a);
        k.launch(Dim3.of(1), Dim3.of(1), 0, arguments).requireClean();
        bench.memory.free(a);
        LaunchReport report = k.launch(Dim3.of(1), Dim3.of(1), 0, arguments);
        assertEquals(Finding.Kind.USE_AFTER_FREE, report.findings().get(0).kind());
        assertEquals(5, report.findings().get(0).line());
        assertFalse(report.completed());
    }
}
