package dev.instaflow.standin;

import dev.instaflow.ptx.Parameter;
import dev.instaflow.ptx.PtxException;
import dev.instaflow.ptx.PtxParser;
import dev.instaflow.ptx.run.Dim3;
import dev.instaflow.ptx.run.EmulatedKernel;
import dev.instaflow.ptx.run.EmulatedMemory;
import dev.instaflow.ptx.run.EmulatedMemory.Contents;
import dev.instaflow.ptx.run.EmulatedModule;
import dev.instaflow.ptx.run.Finding;
import dev.instaflow.ptx.run.LaunchReport;
import dev.instaflow.ptx.run.LaunchSettings;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The modules of the stand-in and the emulator that runs their kernels on the stand-in's memory. The native side calls it under its lock,
 * so one thread at a time is in here.
 */
final class KernelRunner {
    private static final int ILLEGAL_ADDRESS = 700;
    private static final int LAUNCH_TIMEOUT = 702;
    private static final int ASSERT = 710;
    private static final int MISALIGNED_ADDRESS = 716;
    private static final int LAUNCH_FAILED = 719;

    /** As the native side numbers what happens to memory. */
    private static final int MAP = 0;

    private static final int FREE = 1;
    private static final int WRITTEN = 2;
    private static final int COPIED = 3;

    private final EmulatedMemory memory = new EmulatedMemory();
    private final Map<Long, EmulatedModule> modules = new HashMap<>();
    private final List<EmulatedKernel> kernels = new ArrayList<>();
    private final LaunchSettings settings;
    private long nextModule = 1;

    KernelRunner(StandInSettings settings) {
        this.settings =
                settings.work() == StandInSettings.Work.CHECKED
                        ? LaunchSettings.checked()
                        : LaunchSettings.fast(settings.threads());
    }

    /** Returns a number for the module, negative if it is no PTX that the emulator knows. */
    long load(byte[] text) {
        try {
            String ptx = new String(text, StandardCharsets.UTF_8);
            EmulatedModule module =
                    EmulatedModule.load(PtxParser.parse("module " + nextModule, ptx), memory);
            modules.put(nextModule, module);
            return nextModule++;
        } catch (PtxException e) {
            NativeBridge.explain(e.getMessage());
            return -1;
        }
    }

    void unload(long module) {
        modules.remove(module).unload();
    }

    /** Number, parameter bytes, shared bytes, threads and local bytes, then each parameter's offset and size; or null. */
    int[] describe(long module, String name) {
        EmulatedKernel kernel = modules.get(module).kernel(name).orElse(null);
        if (kernel == null) {
            return null;
        }
        List<Parameter> parameters = kernel.parameters();
        int[] numbers = new int[5 + 2 * parameters.size()];
        numbers[0] = kernels.size();
        numbers[1] = kernel.parameterBytes();
        numbers[2] = kernel.staticSharedBytes();
        numbers[3] = kernel.maxThreads();
        numbers[4] = kernel.localBytes();
        for (int i = 0; i < parameters.size(); i++) {
            numbers[5 + 2 * i] = parameters.get(i).offsetBytes();
            numbers[6 + 2 * i] = parameters.get(i).sizeBytes();
        }
        kernels.add(kernel);
        return numbers;
    }

    /** Address and size, or null. */
    long[] variable(long module, String name) {
        return modules.get(module)
                .global(name)
                .map(v -> new long[] {v.address(), v.sizeBytes()})
                .orElse(null);
    }

    void copyVariable(long address, ByteBuffer host, boolean toDevice) {
        if (toDevice) {
            memory.write(address, host);
        } else {
            memory.read(address, host);
        }
    }

    /**
     * @param geometry grid, block and dynamic shared bytes
     * @return 0, or the error that a GPU would give
     */
    int launch(int kernel, int[] geometry, byte[] parameterBlock) {
        catchUp(NativeBridge.drainMemory());
        LaunchReport report =
                kernels.get(kernel)
                        .launch(
                                new Dim3(geometry[0], geometry[1], geometry[2]),
                                new Dim3(geometry[3], geometry[4], geometry[5]),
                                geometry[6],
                                parameterBlock,
                                settings);
        if (report.findings().isEmpty()) {
            return 0;
        }
        NativeBridge.explain(
                report.kernel()
                        + ": "
                        + report.findings().stream()
                                .map(Finding::toString)
                                .collect(Collectors.joining("; ")));
        return status(report.findings().get(report.findings().size() - 1).kind());
    }

    /** Returns 0 if every byte of some rows was written. */
    int requireWritten(String what, long start, long rowBytes, long distance, long rows) {
        catchUp(NativeBridge.drainMemory());
        boolean whole = rowBytes == distance;
        long step = whole ? rowBytes * rows : rowBytes;
        for (long row = 0; row < (whole ? 1 : rows); row++) {
            long address = start + row * distance;
            if (!memory.isWritten(address, (int) step)) {
                NativeBridge.explain(
                        String.format(
                                "%s: not all of %d bytes at 0x%x was written",
                                what, step, address));
                return LAUNCH_FAILED;
            }
        }
        return 0;
    }

    private static int status(Finding.Kind kind) {
        return switch (kind) {
            case OUT_OF_BOUNDS, USE_AFTER_FREE, READ_ONLY_WRITE -> ILLEGAL_ADDRESS;
            case MISALIGNED -> MISALIGNED_ADDRESS;
            case TRAP -> ASSERT;
            case INSTRUCTION_LIMIT -> LAUNCH_TIMEOUT;
            case UNINITIALISED_READ,
                    SHARED_RACE,
                    ASYNC_COPY_IN_FLIGHT,
                    DIVERGENT_BARRIER,
                    DIVERGENT_WARP ->
                    LAUNCH_FAILED;
        };
    }

    /**
     * Tells the emulator what happened to memory since the last kernel, in order. The bytes are those of now, and are not looked at: only
     * what is mapped and what counts as written is brought up to date.
     */
    private void catchUp(long[] events) {
        for (int i = 0; i < events.length; i += 4) {
            long a = events[i + 1];
            long b = events[i + 2];
            switch ((int) events[i]) {
                case MAP -> memory.map(a, NativeBridge.view(a, b), Contents.UNWRITTEN);
                case FREE -> memory.free(a);
                case WRITTEN -> memory.markWritten(a, (int) b);
                case COPIED -> markCopied(a, b, (int) events[i + 3]);
                default -> throw new IllegalStateException("memory event " + events[i]);
            }
        }
    }

    /** Marks what was written in the source; the halves of a range that was written in part are looked at alone. */
    private void markCopied(long to, long from, int count) {
        if (memory.isWritten(from, count)) {
            memory.markWritten(to, count);
        } else if (count > 1) {
            int half = count / 2;
            markCopied(to, from, half);
            markCopied(to + half, from + half, count - half);
        }
    }
}
