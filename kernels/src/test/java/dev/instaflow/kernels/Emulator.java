package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.ptx.Parameter;
import dev.instaflow.ptx.PtxFunction;
import dev.instaflow.ptx.PtxParser;
import dev.instaflow.ptx.PtxProgram;
import dev.instaflow.ptx.ScalarType;
import dev.instaflow.ptx.run.Approximation;
import dev.instaflow.ptx.run.Coverage;
import dev.instaflow.ptx.run.Dim3;
import dev.instaflow.ptx.run.EmulatedKernel;
import dev.instaflow.ptx.run.EmulatedMemory;
import dev.instaflow.ptx.run.EmulatedModule;
import dev.instaflow.ptx.run.KernelArguments;
import dev.instaflow.ptx.run.LaunchReport;
import dev.instaflow.ptx.run.Traffic;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * The emulated device that the tests launch on, and the buffers of one test. What is executed counts towards {@link CoverageTest}
 * whichever test it was; a finding of the sanitiser fails the test that launched. Approximate instructions are as wrong as the ISA
 * allows, so that no error bound holds only because the emulator computes better than a GPU.
 */
final class Emulator implements AutoCloseable {
    private static final EmulatedMemory MEMORY = new EmulatedMemory();
    private static final Map<KernelModule, PtxProgram> PROGRAMS = new EnumMap<>(KernelModule.class);
    private static final Map<KernelModule, EmulatedModule> MODULES =
            new EnumMap<>(KernelModule.class);
    private static final Map<String, Coverage> COVERAGE = new TreeMap<>();
    private static final Map<String, String> TRAFFIC = new TreeMap<>();

    private final List<Long> buffers = new ArrayList<>();
    private final Random random;

    Emulator(long seed) {
        random = new Random(seed);
    }

    static PtxProgram program(KernelModule module) {
        return PROGRAMS.computeIfAbsent(
                module, m -> PtxParser.parse(m.fileName() + ".ptx", m.ptx()));
    }

    /** Executed lines by entry, over all tests so far. */
    static Map<String, Coverage> coverage() {
        return COVERAGE;
    }

    /** A line of figures by entry, of the launches whose traffic was judged. */
    static Map<String, String> traffic() {
        return TRAFFIC;
    }

    @Override
    public void close() {
        buffers.forEach(MEMORY::free);
        buffers.clear();
    }

    /** Normal numbers as the storage rounds them. */
    float[] normal(Storage storage, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = Half.round(storage, (float) random.nextGaussian());
        }
        return values;
    }

    /** Memory that nothing has written; reading it is a finding. */
    long empty(long bytes) {
        long address = MEMORY.allocate(bytes);
        buffers.add(address);
        return address;
    }

    long empty(Storage storage, long count) {
        return empty(count * storage.sizeBytes());
    }

    long upload(Storage storage, float[] values) {
        ByteBuffer bytes = buffer(values.length * storage.sizeBytes());
        for (float value : values) {
            if (storage == Storage.F32) {
                bytes.putFloat(value);
            } else {
                bytes.putShort(Half.encode(storage, value));
            }
        }
        return upload(bytes.array());
    }

    long upload(int[] values) {
        ByteBuffer bytes = buffer(values.length * Integer.BYTES);
        bytes.asIntBuffer().put(values);
        return upload(bytes.array());
    }

    long upload(byte[] bytes) {
        long address = empty(bytes.length);
        MEMORY.write(address, bytes);
        return address;
    }

    float[] read(Storage storage, long address, int count) {
        ByteBuffer bytes = ByteBuffer.wrap(bytes(address, count * storage.sizeBytes()));
        bytes.order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] =
                    storage == Storage.F32
                            ? bytes.getFloat()
                            : Half.decode(storage, bytes.getShort());
        }
        return values;
    }

    /** What a kernel left; every byte of it has to be written. */
    byte[] bytes(long address, int count) {
        if (!MEMORY.isWritten(address, count)) {
            throw new AssertionError("not all of the result's " + count + " bytes were written");
        }
        return MEMORY.read(address, count);
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Runs a launch after a check of its arguments against the parameters; findings fail. */
    LaunchReport run(KernelLaunch launch) {
        PtxFunction entry = program(launch.module()).entry(launch.entry()).orElseThrow();
        checkSignature(launch, entry);
        EmulatedKernel kernel =
                MODULES.computeIfAbsent(
                                launch.module(),
                                m ->
                                        EmulatedModule.load(
                                                program(m), MEMORY, Approximation.WORST_ALLOWED))
                        .kernel(launch.entry())
                        .orElseThrow();
        KernelArguments arguments = kernel.arguments();
        for (KernelArgument argument : launch.arguments()) {
            if (argument instanceof KernelArgument.Address address) {
                arguments.int64(address.value());
            } else if (argument instanceof KernelArgument.Int64 integer) {
                arguments.int64(integer.value());
            } else if (argument instanceof KernelArgument.Int32 integer) {
                arguments.int32(integer.value());
            } else if (argument instanceof KernelArgument.Float32 number) {
                arguments.float32(number.value());
            }
        }
        LaunchReport report =
                kernel.launchBothWays(
                                extent(launch.grid()),
                                extent(launch.block()),
                                launch.sharedBytes(),
                                arguments)
                        .requireClean();
        COVERAGE.computeIfAbsent(launch.entry(), e -> new Coverage()).add(report);
        return report;
    }

    /** Launch arguments and PTX parameters agree in number and type. */
    static void checkSignature(KernelLaunch launch, PtxFunction entry) {
        List<String> expected =
                entry.parameters().stream().map(Parameter::type).map(Emulator::kind).toList();
        List<String> actual = launch.arguments().stream().map(Emulator::kind).toList();
        assertEquals(expected, actual, launch.entry() + ": parameters of the PTX and arguments");
    }

    private static String kind(ScalarType type) {
        return switch (type) {
            case F32 -> "f32";
            case U64, S64, B64 -> "64";
            case U32, S32, B32 -> "32";
            default -> type.toString();
        };
    }

    private static String kind(KernelArgument argument) {
        return argument instanceof KernelArgument.Float32
                ? "f32"
                : String.valueOf(8 * argument.sizeBytes());
    }

    private static Dim3 extent(KernelLaunch.Extent extent) {
        return new Dim3(extent.x(), extent.y(), extent.z());
    }

    /**
     * Runs a launch of a size that is kind to it and holds it to its header: bytes from and to DRAM at most 1.1 times the bound, whole
     * sectors stored, bank conflicts in at most 5 % of the accesses to shared memory.
     */
    LaunchReport runWithin(KernelLaunch launch, long boundBytes) {
        LaunchReport report = run(launch);
        Traffic traffic = report.traffic();
        long bytes = traffic.distinctLoadBytes() + traffic.distinctStoreBytes();
        String line =
                String.format(
                        "%-36s bytes %8d bound %8d (%.3f)  stores %6d ideal %6d  loads %6d ideal"
                                + " %6d  shared %6d replays %5d (%.1f %%)",
                        launch.entry(),
                        bytes,
                        boundBytes,
                        (double) bytes / boundBytes,
                        traffic.storeSectors(),
                        traffic.idealStoreSectors(),
                        traffic.loadSectors(),
                        traffic.idealLoadSectors(),
                        traffic.sharedPhases(),
                        traffic.sharedReplays(),
                        100.0 * traffic.sharedReplays() / Math.max(1, traffic.sharedPhases()));
        TRAFFIC.put(launch.entry(), line);
        if (bytes > 1.1 * boundBytes
                || traffic.storeSectors() > traffic.idealStoreSectors()
                || traffic.sharedReplays() > 0.05 * traffic.sharedPhases()) {
            throw new AssertionError("traffic beyond what the header promises: " + line);
        }
        return report;
    }
}
