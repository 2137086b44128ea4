package dev.instaflow;

import dev.instaflow.JavaSource.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The walls of docs/architecture.md as rules over one source file. Names count wherever they stand in the code, in an import or in
 * full.
 */
final class BoundaryRules {
    private static final String ROOT = "dev.instaflow.";

    /** What may be named only at some places. */
    private record Rule(Pattern name, Predicate<JavaSource> allowed, String where) {}

    private static final List<Rule> RULES =
            List.of(
                    new Rule(
                            libraries("org.bytedeco(?!.dnnl|.opencl)"),
                            // The peers that benchmarks compare with come through JavaCPP too.
                            in("backend.cpu").or(module("benchmarks")),
                            "dev.instaflow.backend.cpu, and in benchmarks for the peers"),
                    new Rule(
                            libraries("org.bytedeco.dnnl", "org.bytedeco.opencl"),
                            in("backend.cpu"),
                            "dev.instaflow.backend.cpu"),
                    new Rule(
                            libraries("jcuda"),
                            // Kernels: NVIDIA's assembler, which judges the PTX without a driver.
                            in("backend.cuda")
                                    .or(module("kernels").and(tests()))
                                    .or(module("driver-standin").and(tests())),
                            "dev.instaflow.backend.cuda, and in the tests of kernels and"
                                    + " driver-standin"),
                    new Rule(
                            libraries("com.fasterxml"),
                            tests().or(module("tokenizer"))
                                    .or(module("checkpoint-loader"))
                                    .or(module("examples"))
                                    .or(module("benchmarks"))
                                    .or(in("model"))
                                    .or(in("pipeline"))
                                    .or(in("train.evaluate.report"))
                                    .or(in("train.recipe")),
                            "tokenizer, checkpoint-loader, examples, benchmarks, model and"
                                    + " pipeline in core, train.evaluate.report and train.recipe"),
                    new Rule(
                            libraries("org.apache.commons.compress"),
                            // Training: packed collections of pictures.
                            module("checkpoint-loader").or(module("training")),
                            "checkpoint-loader and training"),
                    new Rule(libraries("org.apache.commons.csv"), module("training"), "training"),
                    new Rule(libraries("picocli"), module("examples"), "examples"),
                    new Rule(libraries("org.openjdk.jmh"), module("benchmarks"), "benchmarks"),
                    new Rule(
                            Pattern.compile(
                                    "\\b(System\\s*\\.\\s*(getProperty|getProperties|setProperty|getenv)"
                                            + "|Integer\\s*\\.\\s*getInteger|Long\\s*\\.\\s*getLong"
                                            + "|Boolean\\s*\\.\\s*getBoolean)\\b"),
                            tests().or(mains())
                                    .or(named("backend.Device"))
                                    // It steers where JCuda extracts its libraries to.
                                    .or(named("backend.cuda.JCudaNatives")),
                            "dev.instaflow.backend.Device, and in mains"),
                    new Rule(
                            Pattern.compile("\\bSystem\\s*\\.\\s*(out|err)\\b"),
                            tests().or(mains()),
                            "examples, benchmarks and the command of ptx-emulator"));

    private static final Set<String> NETWORKS = Set.of("nn", "unet", "vae", "clip");

    /** Core's packages, and which of core's packages each may use besides itself. */
    private static final Map<String, Set<String>> CORE =
            Map.ofEntries(
                    Map.entry("tensor", Set.of()),
                    Map.entry("ops", Set.of("tensor")),
                    Map.entry("backend", Set.of("tensor", "ops")),
                    Map.entry("backend.reference", Set.of("tensor", "ops", "backend")),
                    Map.entry("backend.cpu", Set.of("tensor", "ops", "backend")),
                    Map.entry("backend.cuda", Set.of("tensor", "ops", "backend")),
                    Map.entry("nn", Set.of("tensor", "ops")),
                    Map.entry("unet", Set.of("tensor", "ops", "nn")),
                    Map.entry("vae", Set.of("tensor", "ops", "nn")),
                    Map.entry("clip", Set.of("tensor", "ops", "nn")),
                    Map.entry("sampler", Set.of("tensor", "ops")),
                    Map.entry("image", Set.of()),
                    Map.entry("model", Set.of("sampler", "image", "unet", "vae", "clip")),
                    Map.entry(
                            "pipeline",
                            Set.of(
                                    "tensor", "ops", "backend", "nn", "unet", "vae", "clip",
                                    "sampler", "image", "model")));

    /** What a network may know of backends: the interface that takes its weights in. */
    private static final String WEIGHTS_COME_IN_BY = "Backend";

    /** A package of ours and, if one is named, the class in it. */
    private static final Pattern OURS =
            Pattern.compile(
                    "\\bdev\\.instaflow\\.([a-z][a-z0-9]*(?:\\.[a-z][a-z0-9]*)*)\\b(?:\\.(\\w+))?");

    private BoundaryRules() {}

    /** What is wrong with a file, a line each; empty if nothing is. */
    static List<String> violations(JavaSource source) {
        List<String> found = new ArrayList<>();
        for (Rule rule : RULES) {
            if (!rule.allowed.test(source)) {
                Matcher matcher = rule.name.matcher(source.code());
                while (matcher.find()) {
                    String message = matcher.group() + " is allowed only in " + rule.where;
                    found.add(at(source, matcher.start()) + message);
                }
            }
        }
        if (source.module().equals("core") && source.kind() == Kind.MAIN) {
            addLayering(source, found);
        }
        return found;
    }

    private static void addLayering(JavaSource source, List<String> found) {
        if (isOpenClStandIn(source)) {
            return;
        }
        String from = withoutRoot(source.packageName());
        Set<String> allowed = CORE.get(from);
        if (allowed == null) {
            found.add(
                    at(source, 0)
                            + source.packageName()
                            + " is no package of core: give it a row in BoundaryRules.CORE");
            return;
        }
        Matcher matcher = OURS.matcher(source.code());
        while (matcher.find()) {
            String to = matcher.group(1);
            boolean weights =
                    NETWORKS.contains(from)
                            && to.equals("backend")
                            && WEIGHTS_COME_IN_BY.equals(matcher.group(2));
            // Only core's packages have layers; those of the modules above it are Maven's to guard.
            if (CORE.containsKey(to) && !to.equals(from) && !allowed.contains(to) && !weights) {
                String message = from + " must not use " + matcher.group();
                found.add(at(source, matcher.start()) + message);
            }
        }
    }

    /** The empty class that oneDNN's presets name, see core's package documentation. */
    private static boolean isOpenClStandIn(JavaSource source) {
        return source.className().equals("org.bytedeco.opencl.presets.OpenCL");
    }

    private static String at(JavaSource source, int offset) {
        return source.place() + ":" + source.lineOf(offset) + ": ";
    }

    private static String withoutRoot(String packageName) {
        return packageName.startsWith(ROOT) ? packageName.substring(ROOT.length()) : packageName;
    }

    private static Pattern libraries(String... prefixes) {
        // A package declaration is not a use: the stand-in has to live in a foreign package.
        return Pattern.compile(
                "(?m)(?<!^package )\\b(" + String.join("|", prefixes).replace(".", "\\.") + ")\\.");
    }

    private static Predicate<JavaSource> in(String corePackage) {
        return source -> source.packageName().equals(ROOT + corePackage);
    }

    private static Predicate<JavaSource> module(String name) {
        return source -> source.module().equals(name);
    }

    private static Predicate<JavaSource> named(String className) {
        return source -> source.className().equals(ROOT + className);
    }

    private static Predicate<JavaSource> mains() {
        return module("examples").or(module("benchmarks")).or(named("ptx.cli.PtxCommand"));
    }

    private static Predicate<JavaSource> tests() {
        return source -> source.kind() == Kind.TEST;
    }
}
