package dev.instaflow.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The order of the GPU check and its exit codes, with commands in Java's and Maven's place that note how they were called. */
class GpuCheckScriptTest {
    private static final String NAME = "gpu-check.sh";
    private static final String USABLE =
            "\"cuda\" : {\n \"usable\" : true,\n \"reason\" : \"fine\",";
    private static final String UNUSABLE =
            "\"cuda\" : {\n \"usable\" : false,\n \"reason\" : \"no NVIDIA driver\",";
    private static final String PASSED = "[INFO] Tests run: 7, Failures: 0, Errors: 0, Skipped: 0";

    @TempDir Path home;
    private Path root;
    private Path bin;
    private Script script;

    @BeforeAll
    static void needsBash() {
        Script.assumeInstalled("bash");
    }

    @BeforeEach
    void copyScript() throws IOException {
        root = Files.createDirectory(home.resolve("the project"));
        for (String file : List.of(NAME, "scripts/fetch.bash")) {
            Path target = root.resolve(file);
            Files.createDirectories(target.getParent());
            Files.copy(Script.repository().resolve(file), target);
        }
        bin = Files.createDirectory(home.resolve("bin"));
        script = new Script(root.resolve(NAME), home);
        command(
                "java",
                """
                case "$*" in
                  *--json) [ -e examples/target/instaflow.jar ] || exit 1; printf '%s\\n' "$DOCTOR_JSON" ;;
                  *doctor) echo "doctor's text" ;;
                  *CudaOneStep*) [ -z "${SLOW:-}" ] || exit 1; echo "| step | 20 ms |" ;;
                esac
                """);
        command(
                "mvn",
                """
                case "$*" in
                  *package) mkdir -p examples/target; : > examples/target/instaflow.jar ;;
                  *test*) printf '%s\\n' "$TESTS"; exit "${TEST_STATUS:-0}" ;;
                esac
                """);
    }

    private void command(String name, String body) throws IOException {
        Path file = bin.resolve(name);
        Files.writeString(
                file, "#!/usr/bin/env bash\necho \"" + name + " $*\" >> \"$CALLS\"\n" + body);
        assertTrue(file.toFile().setExecutable(true));
    }

    private Path calls() {
        return home.resolve("calls.txt");
    }

    private Script.Outcome run(Map<String, String> variables, String... arguments)
            throws IOException, InterruptedException {
        Map<String, String> all = new HashMap<>();
        all.put("PATH", bin + ":" + System.getenv("PATH"));
        all.put("CALLS", calls().toString());
        all.put("DOCTOR_JSON", USABLE);
        all.put("TESTS", PASSED);
        all.putAll(variables);
        return script.runWith(all, arguments);
    }

    @Test
    void withoutAGpuItSaysSoAndChecksNothing() throws IOException, InterruptedException {
        Script.Outcome outcome = run(Map.of("DOCTOR_JSON", UNUSABLE));
        outcome.assertFailed(3, "no GPU was found that can be used", ": no NVIDIA driver");
        assertTrue(outcome.out().contains("doctor's text"), outcome.out());
        assertFalse(Files.readString(calls()).contains("test"), Files.readString(calls()));
    }

    @Test
    void withAGpuTestsRunOnTheRealDriverOfflineAndATableIsLeft()
            throws IOException, InterruptedException {
        Script.Outcome outcome = run(Map.of());
        outcome.assertSucceeded();
        String calls = Files.readString(calls());
        List<String> maven = calls.lines().filter(line -> line.startsWith("mvn ")).toList();
        assertEquals(3, maven.size(), calls);
        assertTrue(maven.stream().allMatch(line -> line.startsWith("mvn -o ")), calls);
        assertTrue(maven.get(2).contains("-Dinstaflow.cuda=driver -Dtest=*OnCudaTest"), calls);
        assertTrue(calls.contains("WriteFullSizeCheckpoint target/gpu-check/"), calls);
        String report = Files.readString(root.resolve("target/gpu-check/report.md"));
        assertTrue(outcome.out().endsWith(report), outcome.out());
        assertTrue(report.contains("doctor's text"), report);
        assertTrue(report.contains("| tests on the real driver | passed (Tests run: 7, "), report);
        assertTrue(report.endsWith("| step | 20 ms |\n"), report);
    }

    @Test
    void aFailedTestIsAFailureAndTheRestStillRuns() throws IOException, InterruptedException {
        Script.Outcome outcome = run(Map.of("TEST_STATUS", "1"));
        assertEquals(1, outcome.exitCode(), outcome.err());
        assertTrue(outcome.out().contains("| tests on the real driver | FAILED"), outcome.out());
        assertTrue(outcome.out().contains("| step | 20 ms |"), outcome.out());
    }

    @Test
    void noTestAtAllIsAFailure() throws IOException, InterruptedException {
        Script.Outcome none = run(Map.of("TESTS", "[INFO] BUILD SUCCESS"), "-t");
        assertEquals(1, none.exitCode(), none.err());
        assertTrue(none.out().contains("FAILED: none ran (no count)"), none.out());
        assertTrue(none.out().contains("| one full-size step | left out |"), none.out());
    }

    @Test
    void aFailedBenchmarkIsAFailure() throws IOException, InterruptedException {
        Files.writeString(home.resolve("my model.ckpt"), "weights");
        Script.Outcome outcome = run(Map.of("SLOW", "yes"), "-c", "my model.ckpt");
        assertEquals(1, outcome.exitCode(), outcome.err());
        assertTrue(outcome.out().contains("| one full-size step | FAILED |"), outcome.out());
        String calls = Files.readString(calls());
        assertTrue(calls.contains("CudaOneStep " + home.toRealPath() + "/my model.ckpt"), calls);
        assertFalse(calls.contains("WriteFullSizeCheckpoint"), calls);
    }

    @Test
    void badUsageAndMissingFilesAreSaid() throws IOException, InterruptedException {
        run(Map.of(), "-x").assertFailed(2, "-x");
        run(Map.of(), "more").assertFailed(2, "more");
        run(Map.of(), "-c", "none.ckpt").assertFailed(1, "none.ckpt: cannot be read");
        assertTrue(run(Map.of(), "-h").out().contains("Exit codes: 0 all passed"));
    }
}
