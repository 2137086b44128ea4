package dev.instaflow.kernels;

import dev.instaflow.ptx.Parameter;
import dev.instaflow.ptx.PtxFunction;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The text of {@code kernels.manifest} as sources, PTX and assembler give it: what the PTX was built from, and parameters and needs of
 * every entry.
 */
final class Manifest {
    /** The compiler whose PTX is committed; another one numbers registers otherwise. */
    static final String COMPILER = "nvcc 13.0.88";

    static final Path SOURCES = Path.of("src", "main", "cuda");
    static final Path RESOURCES =
            Path.of("src", "main", "resources", "dev", "instaflow", "kernels");

    /** Turing, A100, Ampere's and Ada's workstation cards, H100. */
    static final int[] ARCHITECTURES = {75, 80, 86, 89, 90};

    private Manifest() {}

    /** Hashes of sources and PTX. */
    static List<String> sources() throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add("compiler " + COMPILER);
        try (Stream<Path> files = Files.list(SOURCES)) {
            for (Path file : files.sorted().toList()) {
                lines.add("source " + file.getFileName() + " " + sha256(Files.readString(file)));
            }
        }
        for (KernelModule module : KernelModule.values()) {
            lines.add(
                    String.format(
                            "module %s sm_%d %s",
                            module.fileName(), module.target(), sha256(module.ptx())));
        }
        return lines;
    }

    /** A line an entry: parameters, and registers and static shared memory by architecture. */
    static List<String> entries(Map<KernelModule, Map<Integer, Map<String, Assembler.Use>>> uses) {
        List<String> lines = new ArrayList<>();
        for (KernelModule module : KernelModule.values()) {
            Map<String, String> sorted = new TreeMap<>();
            for (PtxFunction entry : Emulator.program(module).functions()) {
                String parameters =
                        entry.parameters().stream()
                                .map(Parameter::type)
                                .map(type -> type.toString().toLowerCase(java.util.Locale.ROOT))
                                .collect(Collectors.joining(","));
                String needs =
                        Arrays.stream(ARCHITECTURES)
                                .filter(a -> uses.get(module).containsKey(a))
                                .mapToObj(a -> need(a, uses.get(module).get(a).get(entry.name())))
                                .collect(Collectors.joining(" "));
                sorted.put(
                        entry.name(),
                        "entry %s %s (%s) %s"
                                .formatted(entry.name(), module.fileName(), parameters, needs));
            }
            lines.addAll(sorted.values());
        }
        return lines;
    }

    private static String need(int architecture, Assembler.Use use) {
        return "sm_%d=%d/%d/%d"
                .formatted(architecture, use.registers(), use.sharedBytes(), use.spillBytes());
    }

    static List<String> committed() throws IOException {
        return Files.readAllLines(RESOURCES.resolve("kernels.manifest")).stream()
                .filter(line -> !line.startsWith("#"))
                .toList();
    }

    static void write(List<String> lines) throws IOException {
        List<String> all = new ArrayList<>();
        all.add("# What the PTX was built from, and what its entries take: registers a thread,");
        all.add("# bytes of static shared memory and of spills by architecture. Written by");
        all.add("# mvn -pl kernels -am test -Dtest=ManifestTest -Dinstaflow.manifest=write");
        all.addAll(lines);
        Files.write(RESOURCES.resolve("kernels.manifest"), all);
    }

    private static String sha256(String text) {
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
