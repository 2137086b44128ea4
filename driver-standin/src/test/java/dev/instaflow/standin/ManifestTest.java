package dev.instaflow.standin;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The committed libraries are those that the sources give. */
class ManifestTest {
    private static final Path SOURCES = Path.of("src", "main", "c");
    private static final Path SCRIPT = Path.of("build-standin.sh");

    private static String manifest() throws IOException {
        return new String(resource("manifest.txt"), StandardCharsets.UTF_8);
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = StandIn.class.getResourceAsStream(name)) {
            return in.readAllBytes();
        }
    }

    private static Map<String, String> hashes(String kind) throws IOException {
        Map<String, String> hashes = new TreeMap<>();
        for (String line : manifest().lines().toList()) {
            String[] words = line.split(" ");
            if (words[0].equals(kind)) {
                hashes.put(words[2], words[1]);
            }
        }
        return hashes;
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void sourcesAndLibrariesHaveTheChecksumsOfTheManifest() throws IOException {
        Map<String, String> sources = new TreeMap<>();
        List<Path> files = new ArrayList<>(List.of(SCRIPT));
        try (Stream<Path> found = Files.list(SOURCES)) {
            files.addAll(found.toList());
        }
        for (Path file : files) {
            sources.put(file.getFileName().toString(), sha256(Files.readAllBytes(file)));
        }
        assertEquals(hashes("source"), sources, "run ./build-standin.sh");
        Map<String, String> libraries = new TreeMap<>();
        for (String library : NativeFiles.LIBRARIES) {
            libraries.put(library, sha256(resource(library)));
        }
        assertEquals(hashes("library"), libraries);
    }

    @Test
    void theSourcesCompileAndThePinnedCompilerGivesTheSameBytes(@TempDir Path folder)
            throws IOException, InterruptedException {
        String compiler = output(List.of("gcc", "--version"));
        assumeTrue(!compiler.isEmpty(), "no gcc on this machine");
        Path jni = Path.of(System.getProperty("java.home"), "include", "jni.h");
        assumeTrue(Files.exists(jni), "this Java has no jni.h");
        ProcessBuilder builder =
                new ProcessBuilder("sh", SCRIPT.toString(), folder.toString())
                        .redirectErrorStream(true);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        if (manifest().startsWith("compiler " + compiler.lines().findFirst().orElse("") + "\n")) {
            for (String library : NativeFiles.LIBRARIES) {
                assertArrayEquals(
                        resource(library),
                        Files.readAllBytes(folder.resolve(library)),
                        library + ": run ./build-standin.sh");
            }
        }
    }

    /** Empty if the program is not there. */
    private static String output(List<String> command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command).start();
            byte[] bytes = process.getInputStream().readAllBytes();
            process.waitFor();
            return new String(bytes, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }
}
