package dev.instaflow.examples.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.backend.Backend;
import dev.instaflow.backend.BackendException;
import dev.instaflow.backend.Device;
import dev.instaflow.backend.cpu.CpuFindings;
import dev.instaflow.backend.cuda.CudaFindings;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * What there is on a machine to compute with.
 *
 * @param runtime Java and the system
 * @param cpu what the CPU backend has
 * @param cuda what the CUDA backend has, or what it lacks
 * @param choice what {@code --device auto} comes to
 */
record DoctorReport(Runtime runtime, CpuFindings cpu, CudaFindings cuda, Choice choice) {
    private static final double GIB = 1 << 30;

    /**
     * Where this runs.
     *
     * @param memoryBytes of the machine or container; 0 if the JVM does not tell
     */
    record Runtime(
            String javaVersion,
            String javaVendor,
            long maxHeapBytes,
            String system,
            String processor,
            long memoryBytes) {
        static Runtime ofThisProcess() {
            long memoryBytes =
                    ManagementFactory.getOperatingSystemMXBean()
                                    instanceof com.sun.management.OperatingSystemMXBean os
                            ? os.getTotalMemorySize()
                            : 0;
            return new Runtime(
                    System.getProperty("java.version"),
                    System.getProperty("java.vendor"),
                    java.lang.Runtime.getRuntime().maxMemory(),
                    System.getProperty("os.name") + " " + System.getProperty("os.version"),
                    System.getProperty("os.arch"),
                    memoryBytes);
        }
    }

    /**
     * The device that is chosen.
     *
     * @param device its name; empty if nothing can be used
     * @param reason one line: the device and why this one, or why none
     * @param opened the backend that was opened on it to see that it works; empty if that failed
     */
    record Choice(Optional<String> device, String reason, Optional<String> opened) {
        static Choice make() {
            Device device;
            try {
                device = Device.auto();
            } catch (BackendException e) {
                return new Choice(Optional.empty(), e.getMessage(), Optional.empty());
            }
            Optional<String> name = Optional.of(device.name());
            try (Backend backend = device.open()) {
                return new Choice(name, device.explanation(), Optional.of(backend.description()));
            } catch (BackendException e) {
                String why = device.explanation() + "; but it does not open: " + e.getMessage();
                return new Choice(name, why, Optional.empty());
            }
        }
    }

    static DoctorReport ofThisMachine() {
        return new DoctorReport(
                Runtime.ofThisProcess(),
                CpuFindings.ofThisMachine(),
                CudaFindings.ofThisMachine(),
                Choice.make());
    }

    /** For people, a fact a line. */
    String text() {
        StringBuilder text = new StringBuilder();
        line(
                text,
                "Java",
                "%s (%s), heap up to %s"
                        .formatted(
                                runtime.javaVersion(),
                                runtime.javaVendor(),
                                gib(runtime.maxHeapBytes())));
        line(
                text,
                "System",
                "%s %s, memory %s"
                        .formatted(
                                runtime.system(), runtime.processor(), gib(runtime.memoryBytes())));
        line(
                text,
                "CPU",
                cpu.obstacle()
                        .orElseGet(
                                () ->
                                        "processors: %d, %s, instruction set %s"
                                                .formatted(
                                                        cpu.processors(),
                                                        cpu.engine().orElse(""),
                                                        cpu.instructionSet().orElse(""))));
        line(text, "GPU", (cuda.usable() ? "" : "none that can be used: ") + cuda.reason());
        line(
                text,
                "  driver",
                cuda.driver()
                        .map(driver -> "for CUDA " + driver.version() + at(driver.file()))
                        .orElse("not found"));
        for (CudaFindings.Gpu gpu : cuda.gpus()) {
            line(
                    text,
                    "  cuda:" + gpu.index(),
                    "%s, compute capability %s, %s"
                            .formatted(gpu.name(), gpu.capabilityText(), gib(gpu.memoryBytes())));
        }
        for (CudaFindings.Library library : cuda.libraries()) {
            line(
                    text,
                    "  " + library.name(),
                    library.obstacle()
                            .orElseGet(
                                    () ->
                                            library.version().orElse("")
                                                    + at(library.file())
                                                    + "; needed: "
                                                    + library.needed()));
        }
        String taken = choice.device().isPresent() ? "takes " : "finds ";
        line(text, "Choice", "--device auto " + taken + choice.reason());
        choice.opened().ifPresent(backend -> line(text, "", "it works: " + backend));
        return text.toString().stripTrailing();
    }

    private static void line(StringBuilder text, String name, String value) {
        text.append("%-10s%s%n".formatted(name, value));
    }

    private static String at(Optional<Path> file) {
        return file.map(path -> ", " + path).orElse("");
    }

    private static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / GIB);
    }

    /** The same for programs; what is unknown is null. */
    ObjectNode json() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.putObject("java")
                .put("version", runtime.javaVersion())
                .put("vendor", runtime.javaVendor())
                .put("maxHeapBytes", runtime.maxHeapBytes());
        root.putObject("system")
                .put("name", runtime.system())
                .put("processor", runtime.processor())
                .put("memoryBytes", runtime.memoryBytes());
        root.putObject("cpu")
                .put("processors", cpu.processors())
                .put("engine", cpu.engine().orElse(null))
                .put("instructionSet", cpu.instructionSet().orElse(null))
                .put("obstacle", cpu.obstacle().orElse(null));
        root.set("cuda", cudaJson());
        root.putObject("auto")
                .put("device", choice.device().orElse(null))
                .put("reason", choice.reason())
                .put("opened", choice.opened().orElse(null));
        return root;
    }

    private JsonNode cudaJson() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("usable", cuda.usable());
        node.put("state", cuda.state().name());
        node.put("reason", cuda.reason());
        ObjectNode driver = node.putObject("driver");
        driver.put("supportsCuda", cuda.driver().map(CudaFindings.Driver::version).orElse(null));
        driver.put("file", text(cuda.driver().flatMap(CudaFindings.Driver::file)));
        ArrayNode gpus = node.putArray("gpus");
        for (CudaFindings.Gpu gpu : cuda.gpus()) {
            gpus.addObject()
                    .put("index", gpu.index())
                    .put("name", gpu.name())
                    .put("computeCapability", gpu.capabilityText())
                    .put("memoryBytes", gpu.memoryBytes());
        }
        ArrayNode libraries = node.putArray("libraries");
        for (CudaFindings.Library library : cuda.libraries()) {
            libraries
                    .addObject()
                    .put("name", library.name())
                    .put("needed", library.needed())
                    .put("version", library.version().orElse(null))
                    .put("file", text(library.file()))
                    .put("obstacle", library.obstacle().orElse(null));
        }
        return node;
    }

    private static String text(Optional<Path> file) {
        return file.map(Path::toString).orElse(null);
    }
}
