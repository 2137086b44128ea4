package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.instaflow.kernels.Assembler.Use;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The committed PTX is what the sources give, every device takes it, and the manifest says so. */
class ManifestTest {
    /** A thread's share if two blocks of 256 are to fit: attention alone, with 128 threads, goes up to the hardware's 255. */
    private static final int MOST_REGISTERS = 255;

    @Test
    void everyModuleHasOneSourceAndNamesItsTarget() throws IOException {
        try (Stream<Path> files = Files.list(Manifest.SOURCES)) {
            assertEquals(
                    Arrays.stream(KernelModule.values())
                            .map(m -> m.fileName() + ".cu")
                            .sorted()
                            .toList(),
                    files.map(f -> f.getFileName().toString())
                            .filter(f -> f.endsWith(".cu"))
                            .sorted()
                            .toList());
        }
        for (KernelModule module : KernelModule.values()) {
            assertEquals(module.target(), Assembler.target(module.ptx()), module.fileName());
        }
    }

    @Test
    void everyHeaderHasItsLinesAndNamesItsLauncher() throws IOException {
        for (KernelModule module : KernelModule.values()) {
            String source = Files.readString(Manifest.SOURCES.resolve(module.fileName() + ".cu"));
            for (String line :
                    List.of("// Entries ", "// Geometry ", "// Traffic ", "// Numerics ")) {
                assertTrue(source.contains("\n" + line), module.fileName() + ".cu: no " + line);
            }
            assertTrue(
                    source.contains("\n// Built      " + compilerWithoutPatch())
                            && source.contains("-arch=compute_" + module.target() + ","),
                    module.fileName() + ".cu: how it is built");
            String launcher = source.replaceAll("(?s).*?Launcher: (\\w+)\\.java.*", "$1");
            assertTrue(
                    Files.exists(
                            Path.of("src/main/java/dev/instaflow/kernels", launcher + ".java")),
                    module.fileName() + ".cu names " + launcher);
        }
    }

    private static String compilerWithoutPatch() {
        return Manifest.COMPILER.substring(0, Manifest.COMPILER.lastIndexOf('.'));
    }

    @Test
    void everyArchitectureTakesEveryModuleWithoutSpillsAsTheManifestSays() throws IOException {
        List<String> expected = new ArrayList<>(Manifest.sources());
        Map<KernelModule, Map<Integer, Map<String, Use>>> uses = assembleAll();
        expected.addAll(Manifest.entries(uses));
        if ("write".equals(System.getProperty("instaflow.manifest"))) {
            Manifest.write(expected);
        }
        uses.forEach(
                (module, byArchitecture) ->
                        byArchitecture.forEach(
                                (architecture, entries) ->
                                        entries.forEach(
                                                (name, use) -> check(architecture, name, use))));
        assertEquals(
                String.join("\n", expected),
                String.join("\n", Manifest.committed()),
                "kernels.manifest; if the change is meant, write it anew as its head says");
    }

    private static void check(int architecture, String name, Use use) {
        String what = name + " on sm_" + architecture + ": " + use;
        assertEquals(0, use.spillBytes(), what);
        assertTrue(use.registers() <= MOST_REGISTERS && use.sharedBytes() <= 49_152, what);
    }

    private static Map<KernelModule, Map<Integer, Map<String, Use>>> assembleAll() {
        Map<KernelModule, Map<Integer, Map<String, Use>>> uses = new EnumMap<>(KernelModule.class);
        for (KernelModule module : KernelModule.values()) {
            Map<Integer, Map<String, Use>> byArchitecture =
                    Arrays.stream(Manifest.ARCHITECTURES)
                            .filter(a -> a >= module.target())
                            .boxed()
                            .parallel()
                            .collect(
                                    Collectors.toMap(
                                            a -> a,
                                            a -> Assembler.assemble(module, a),
                                            (a, b) -> a,
                                            TreeMap::new));
            uses.put(module, byArchitecture);
        }
        return uses;
    }

    @Test
    void pinnedCompilerBuildsTheCommittedPtx(@TempDir Path folder) throws Exception {
        assumeTrue(
                compilerHere().contains("V" + Manifest.COMPILER.split(" ")[1]),
                Manifest.COMPILER + " is not installed");
        int status =
                new ProcessBuilder("./build-ptx.sh", folder.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("log").toFile())
                        .start()
                        .waitFor();
        assertEquals(0, status, Files.readString(folder.resolve("log")));
        for (KernelModule module : KernelModule.values()) {
            assertTrue(
                    Files.readString(folder.resolve(module.fileName() + ".ptx"))
                            .equals(module.ptx()),
                    module.fileName() + ".cu gives other PTX than committed: run build-ptx.sh");
        }
    }

    private static String compilerHere() throws IOException, InterruptedException {
        try {
            Process process = new ProcessBuilder("nvcc", "--version").start();
            String text = new String(process.getInputStream().readAllBytes());
            process.waitFor(10, TimeUnit.SECONDS);
            return text;
        } catch (IOException e) {
            // No nvcc on the path.
            return "";
        }
    }
}
