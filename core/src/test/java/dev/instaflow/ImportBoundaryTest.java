package dev.instaflow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.JavaSource.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reads the sources of every module and fails where one crosses a wall; see {@link BoundaryRules}. */
class ImportBoundaryTest {
    private static final Pattern MODULE = Pattern.compile("<module>([^<]+)</module>");

    @Test
    void noSourceCrossesAWall() throws IOException {
        List<String> found = new ArrayList<>();
        for (JavaSource source : allSources()) {
            found.addAll(BoundaryRules.violations(source));
        }
        assertEquals("", String.join("\n", found), "walls crossed");
    }

    @Test
    void sourcesOfProductionAndTestsAreRead() throws IOException {
        List<JavaSource> sources = allSources();
        for (String module : List.of("tokenizer", "checkpoint-loader", "core")) {
            assertTrue(
                    sources.stream()
                            .anyMatch(s -> s.module().equals(module) && s.kind() == Kind.MAIN),
                    "no sources found in " + module);
        }
        assertTrue(
                sources.stream()
                        .anyMatch(
                                s ->
                                        s.kind() == Kind.TEST
                                                && s.className()
                                                        .equals(
                                                                ImportBoundaryTest.class
                                                                        .getName())),
                "this test was not found");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "core | nn | import org.bytedeco.dnnl.memory;",
                "core | backend.reference | import static org.bytedeco.dnnl.global.dnnl.*;",
                "core | backend | Object o = new org.bytedeco.javacpp.FloatPointer(3);",
                "benchmarks | benchmarks | import org.bytedeco.dnnl.engine;",
                "core | backend.cpu | import jcuda.driver.JCudaDriver;",
                "driver-standin | standin | import jcuda.driver.JCudaDriver;",
                "core | unet | import com.fasterxml.jackson.databind.JsonNode;",
                "core | model | import org.apache.commons.compress.archivers.zip.ZipFile;",
                "core | pipeline | import picocli.CommandLine;",
                "core | ops | import org.openjdk.jmh.annotations.State;",
                "core | pipeline | String home = System.getenv(name);",
                "tokenizer | tokenizer | int n = Integer.getInteger(name);",
                "core | nn | System.out.println(x);",
                "core | backend | java.lang.System . err.println(x);",
                "core | image | import static java.lang.System.out;",
                "core | unet | import dev.instaflow.backend.reference.ReferenceBackend;",
                "core | unet | import dev.instaflow.backend.Device;",
                "core | vae | import dev.instaflow.backend.*;",
                "core | nn | import dev.instaflow.unet.UNet;",
                "core | unet | import dev.instaflow.vae.AutoencoderKl;",
                "core | tensor | import dev.instaflow.ops.Ops;",
                "core | sampler | dev.instaflow.pipeline.TextToImage t;",
                "core | backend.cpu | import dev.instaflow.backend.reference.ReferenceBackend;",
                "core | helpers | class Anything {}"
            })
    void crossingIsCaughtWithItsLine(String module, String where, String line) {
        List<String> found = BoundaryRules.violations(source(module, where, line));
        assertTrue(!found.isEmpty(), "not caught: " + line);
        String expectedLine = where.equals("helpers") ? ":1: " : ":2: ";
        assertTrue(found.get(0).contains("Sample.java" + expectedLine), found.get(0));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "core | backend.cpu | import org.bytedeco.dnnl.memory;",
                "core | backend.cuda | import jcuda.driver.JCudaDriver;",
                "benchmarks | benchmarks | import org.bytedeco.pytorch.Tensor;",
                "checkpoint-loader | checkpoint.ckpt | import org.apache.commons.compress.archivers.zip.ZipFile;",
                "examples | examples | System.out.println(System.getenv(name));",
                "core | unet | import dev.instaflow.backend.Backend;",
                "core | nn | import dev.instaflow.checkpoint.Checkpoint;",
                "core | pipeline | import dev.instaflow.backend.Device;",
                "core | nn | // org.bytedeco.dnnl.memory",
                "core | nn | String s = \"a \\\" System.out \";",
                "core | nn | /** {@link dev.instaflow.backend.cpu.CpuBackend} */",
                "core | nn | char quote = '\"'; int n; // System.out",
                "core | nn | long now = System.nanoTime();",
                "core | nn | var ecosystem = FileSystem.outer;"
            })
    void whatIsAllowedPasses(String module, String where, String line) {
        assertEquals(List.of(), BoundaryRules.violations(source(module, where, line)));
    }

    @Test
    void testsMayReadPropertiesAndPrintButNotNameNativeLibraries() {
        String text =
                "package dev.instaflow.nn;\nimport com.fasterxml.jackson.databind.JsonNode;\n";
        String place = "core/src/test/java/dev/instaflow/nn/SampleTest.java";
        String prints = text + "class SampleTest { int n = Integer.getInteger(System.err); }";
        assertEquals(
                List.of(),
                BoundaryRules.violations(JavaSource.of(place, "core", Kind.TEST, prints)));
        String nativeName = text + "class SampleTest { org.bytedeco.dnnl.memory m; }";
        assertEquals(
                1,
                BoundaryRules.violations(JavaSource.of(place, "core", Kind.TEST, nativeName))
                        .size());
    }

    @Test
    void standInForOpenClIsTheOnlyForeignPackage() {
        String place = "core/src/main/java/org/bytedeco/opencl/presets/";
        String text = "package org.bytedeco.opencl.presets;\npublic class ";
        JavaSource standIn =
                JavaSource.of(place + "OpenCL.java", "core", Kind.MAIN, text + "OpenCL {}");
        JavaSource other =
                JavaSource.of(place + "Other.java", "core", Kind.MAIN, text + "Other {}");
        assertEquals(List.of(), BoundaryRules.violations(standIn));
        assertEquals(1, BoundaryRules.violations(other).size());
    }

    @Test
    void commentsAndLiteralsAreBlankAndLinesStay() {
        String text = "a /* x\n y */ b // z\nc \"\"\"\n  \\\"\"\" \"q\" \"\"\" d 'e' f \"unclosed";
        assertEquals("a  \n b  \nc  \n d   f  ", JavaSource.withoutCommentsAndLiterals(text));
    }

    private static JavaSource source(String module, String where, String line) {
        String text = "package dev.instaflow." + where + ";\n" + line + "\n";
        String place = module + "/src/main/java/Sample.java";
        return JavaSource.of(place, module, Kind.MAIN, text);
    }

    private static List<JavaSource> allSources() throws IOException {
        Path root = repository();
        List<JavaSource> sources = new ArrayList<>();
        Matcher modules = MODULE.matcher(Files.readString(root.resolve("pom.xml")));
        while (modules.find()) {
            Path folder = root.resolve(modules.group(1)).resolve("src");
            if (Files.isDirectory(folder)) {
                try (Stream<Path> files = Files.walk(folder)) {
                    for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
                        sources.add(JavaSource.read(root, file));
                    }
                }
            }
        }
        return sources;
    }

    /** Tests run in the folder of their module. */
    private static Path repository() {
        Path root = Path.of("").toAbsolutePath().getParent();
        assertTrue(Files.exists(root.resolve("core/pom.xml")), "no module core under " + root);
        return root;
    }
}
