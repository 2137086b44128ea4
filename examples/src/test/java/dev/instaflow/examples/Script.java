package dev.instaflow.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** Runs the shell scripts of the repository's root as a user does, in an environment of its own. */
record Script(Path file, Path home) {
    private static final long PATIENCE_SECONDS = 120;

    /** What a run left behind. */
    record Outcome(int exitCode, String out, String err) {
        void assertSucceeded() {
            assertEquals(0, exitCode, err + out);
        }

        /** Asserts one line on standard error that holds all of the words. */
        void assertFailed(int expectedExitCode, String... words) {
            assertEquals(expectedExitCode, exitCode, err + out);
            assertEquals(1, err.lines().count(), "lines on standard error: " + err);
            for (String word : words) {
                assertTrue(err.contains(word), "\"" + word + "\" is not in: " + err);
            }
        }
    }

    /** A script of the repository, as it is. */
    static Script ofRepository(String name, Path home) {
        return new Script(repository().resolve(name), home);
    }

    /** The folder that holds the scripts: the parent of this module's. */
    static Path repository() {
        Path root = Path.of("").toAbsolutePath().getParent();
        assertTrue(
                Files.exists(root.resolve("scripts/fetch.bash")),
                "tests run in the folder of their module; no scripts beside it in " + root);
        return root;
    }

    static void assumeInstalled(String... commands) {
        for (String command : commands) {
            Assumptions.assumeTrue(find(command).isPresent(), command + " is not installed");
        }
    }

    /** A folder for PATH in which these commands and no others are found. */
    static Path folderWith(Path folder, String... commands) throws IOException {
        Files.createDirectories(folder);
        for (String command : commands) {
            Path target = find(command).orElseThrow();
            Path wrapper = folder.resolve(command);
            Files.writeString(
                    wrapper, "#!" + find("bash").orElseThrow() + "\nexec " + target + " \"$@\"\n");
            assertTrue(wrapper.toFile().setExecutable(true), wrapper.toString());
        }
        return folder;
    }

    private static Optional<Path> find(String command) {
        return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                .map(folder -> Path.of(folder, command))
                .filter(Files::isExecutable)
                .findFirst();
    }

    Outcome run(String... arguments) throws IOException, InterruptedException {
        return runWith(Map.of(), arguments);
    }

    Outcome runWith(Map<String, String> variables, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("/usr/bin/env", "bash", file.toString()));
        command.addAll(List.of(arguments));
        Path out = Files.createTempFile(home, "out", ".txt");
        Path err = Files.createTempFile(home, "err", ".txt");
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .directory(home.toFile())
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile());
        Map<String, String> environment = builder.environment();
        environment.keySet().removeIf(name -> name.toLowerCase().endsWith("_proxy"));
        environment.keySet().removeIf(name -> name.startsWith("KAGGLE_"));
        environment.put("HOME", home.toString());
        environment.putAll(variables);
        Process process = builder.start();
        process.getOutputStream().close();
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(file + " still runs after " + PATIENCE_SECONDS + " s");
        }
        return new Outcome(
                process.exitValue(),
                Files.readString(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }
}
