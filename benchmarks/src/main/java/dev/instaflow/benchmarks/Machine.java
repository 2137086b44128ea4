package dev.instaflow.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a published number must name: processor, its instruction sets, memory, JDK and commit. Linux. */
final class Machine {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path CPU = Path.of("/proc/cpuinfo");
    private static final Path MEMORY = Path.of("/proc/meminfo");
    private static final Path LOAD = Path.of("/proc/loadavg");
    private static final List<String> FEATURES =
            List.of("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_tile");

    private Machine() {}

    /** Most resident memory of this process so far. */
    static long peakBytes() throws IOException {
        return kibibytes(STATUS, "VmHWM");
    }

    private static long kibibytes(Path file, String key) throws IOException {
        Matcher match = find(file, Pattern.quote(key) + ":\\s+(\\d+) kB");
        return Long.parseLong(match.group(1)) * 1024;
    }

    private static Matcher find(Path file, String pattern) throws IOException {
        Matcher match =
                Pattern.compile(pattern)
                        .matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
        if (!match.find()) {
            throw new IOException(file + " has no line like " + pattern);
        }
        return match;
    }

    /** One line for people. */
    static String describe() throws IOException {
        String flags = " " + find(CPU, "flags\\s*: (.*)").group(1) + " ";
        String features =
                FEATURES.stream()
                        .filter(feature -> flags.contains(" " + feature + " "))
                        .collect(Collectors.joining(" "));
        return "%d x %s (%s), %.0f GB memory, JDK %s, commit %s, load average %s"
                .formatted(
                        Runtime.getRuntime().availableProcessors(),
                        find(CPU, "model name\\s*: (.*)").group(1),
                        features,
                        kibibytes(MEMORY, "MemTotal") * 1e-9,
                        Runtime.version(),
                        commit(),
                        find(LOAD, "^(\\S+)").group(1));
    }

    private static String commit() {
        try {
            Process git =
                    new ProcessBuilder("git", "describe", "--always", "--dirty")
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            String output = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return git.waitFor(5, TimeUnit.SECONDS) && git.exitValue() == 0
                    ? output.trim()
                    : "unknown";
        } catch (IOException e) {
            return "unknown"; // no git, or not in a checkout
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unknown";
        }
    }

    /** The command that starts a class of this program in another process. */
    static List<String> javaCommand(List<String> jvmOptions, Class<?> main, String... args) {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> head = List.of(java, "-cp", System.getProperty("java.class.path"));
        return Stream.of(head, jvmOptions, List.of(main.getName()), List.of(args))
                .flatMap(List::stream)
                .toList();
    }

    /** Runs a command to its end and returns what it printed; its errors go where ours go. */
    static String run(List<String> command) throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String printed =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        if (status != 0) {
            throw new IOException(
                    "%s ended with status %d: %s"
                            .formatted(String.join(" ", command), status, printed));
        }
        return printed;
    }
}
