package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Parameter;
import dev.instaflow.ptx.PtxFunction;
import java.util.List;

/** A kernel that can be launched. */
public final class EmulatedKernel {
    /** What a launch may execute unless told otherwise: minutes of work, no sensible test needs more. */
    private static final long DEFAULT_BUDGET = 4_000_000_000L;

    /** Shared memory that a block can have on sm_80 and sm_90 at most. */
    private static final int MAX_SHARED_BYTES = 232_448;

    private final PtxFunction function;
    private final KernelCode code;
    private final EmulatedMemory memory;

    EmulatedKernel(PtxFunction function, KernelCode code, EmulatedMemory memory) {
        this.function = function;
        this.code = code;
        this.memory = memory;
    }

    public String name() {
        return function.name();
    }

    public List<Parameter> parameters() {
        return function.parameters();
    }

    /** Bytes of shared memory that the kernel declares. */
    public int staticSharedBytes() {
        return code.staticSharedBytes();
    }

    /** Arguments to be filled in the order of the parameters. */
    public KernelArguments arguments() {
        return new KernelArguments(function);
    }

    /**
     * Runs all blocks, one after another in order of their index.
     *
     * @param grid blocks
     * @param block threads a block, 1 to 1024 in all
     * @param dynamicSharedBytes shared memory beyond the declared
     * @param arguments of this kernel, complete
     * @return what was executed and found; memory holds the results
     * @throws IllegalArgumentException if the driver would refuse such a launch
     */
    public LaunchReport launch(
            Dim3 grid, Dim3 block, int dynamicSharedBytes, KernelArguments arguments) {
        return launch(grid, block, dynamicSharedBytes, arguments.toBlock(), DEFAULT_BUDGET);
    }

    /**
     * As {@link #launch(Dim3, Dim3, int, KernelArguments)}.
     *
     * @param parameterBlock little-endian values at the offsets of {@link #parameters()}
     * @param maxWarpInstructions after so many the launch ends with a finding
     */
    public LaunchReport launch(
            Dim3 grid,
            Dim3 block,
            int dynamicSharedBytes,
            byte[] parameterBlock,
            long maxWarpInstructions) {
        check(grid, block, dynamicSharedBytes, parameterBlock);
        Sanitiser sanitiser = new Sanitiser();
        SharedMemory shared =
                new SharedMemory(code.staticSharedBytes() + dynamicSharedBytes, sanitiser);
        TrafficMeter meter = new TrafficMeter();
        LaunchContext context =
                new LaunchContext(
                        code,
                        grid,
                        block,
                        parameterBlock.clone(),
                        memory,
                        shared,
                        sanitiser,
                        meter);
        BlockRunner runner = new BlockRunner(context, maxWarpInstructions);
        try {
            for (int z = 0; z < grid.z(); z++) {
                for (int y = 0; y < grid.y(); y++) {
                    for (int x = 0; x < grid.x(); x++) {
                        runner.runBlock(new Dim3(x, y, z));
                    }
                }
            }
        } catch (KernelFault fault) {
            // The sanitiser holds the finding, and the report says that the launch ended.
            assert sanitiser.ended();
        }
        return new LaunchReport(
                name(),
                !sanitiser.ended(),
                sanitiser.findings(),
                InstructionCounts.of(code.steps(), runner.warpRuns(), runner.threadRuns()),
                meter.result());
    }

    private void check(Dim3 grid, Dim3 block, int dynamicSharedBytes, byte[] parameterBlock) {
        if (block.count() < 1 || block.count() > function.maxThreads()) {
            throw new IllegalArgumentException(
                    name()
                            + ": block "
                            + block
                            + " has "
                            + block.count()
                            + " threads, expected 1 to "
                            + function.maxThreads());
        }
        if (grid.count() < 1) {
            throw new IllegalArgumentException(name() + ": grid " + grid + " is empty");
        }
        int shared = code.staticSharedBytes() + dynamicSharedBytes;
        if (dynamicSharedBytes < 0 || shared > MAX_SHARED_BYTES) {
            throw new IllegalArgumentException(
                    name()
                            + ": "
                            + shared
                            + " bytes of shared memory, expected at most "
                            + MAX_SHARED_BYTES);
        }
        if (parameterBlock.length != function.parameterBytes()) {
            throw new IllegalArgumentException(
                    name()
                            + ": parameter block of "
                            + parameterBlock.length
                            + " bytes, expected "
                            + function.parameterBytes());
        }
    }
}
