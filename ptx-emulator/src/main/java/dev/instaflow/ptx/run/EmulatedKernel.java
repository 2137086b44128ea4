package dev.instaflow.ptx.run;

import dev.instaflow.ptx.Parameter;
import dev.instaflow.ptx.PtxFunction;
import java.util.List;

/** A kernel that can be launched. Immutable and thread-safe. */
public final class EmulatedKernel {
    /** Shared memory that a block can have on sm_80 and sm_90 at most. */
    private static final int MAX_SHARED_BYTES = 232_448;

    private static final int MAX_BLOCK_Z = 64;
    private static final int MAX_GRID_YZ = 65_535;

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

    /** Bytes of local memory of a thread: arrays and what calls pass, not what a compiler would spill. */
    public int localBytes() {
        return code.localBytes();
    }

    /** Threads that a block may have. */
    public int maxThreads() {
        return function.maxThreads();
    }

    /** Bytes of a parameter block. */
    public int parameterBytes() {
        return function.parameterBytes();
    }

    /** Arguments to be filled in the order of the parameters. */
    public KernelArguments arguments() {
        return new KernelArguments(function);
    }

    /**
     * Runs all blocks, one after another in order of their index, with all checks.
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
        return launch(
                grid, block, dynamicSharedBytes, arguments.toBlock(), LaunchSettings.checked());
    }

    /**
     * As {@link #launch(Dim3, Dim3, int, KernelArguments)}; may be called from several threads at once.
     *
     * @param parameterBlock little-endian values at the offsets of {@link #parameters()}
     */
    public LaunchReport launch(
            Dim3 grid,
            Dim3 block,
            int dynamicSharedBytes,
            byte[] parameterBlock,
            LaunchSettings settings) {
        check(grid, block, dynamicSharedBytes, parameterBlock);
        return new GridRunner(code, memory, grid, block, settings)
                .run(dynamicSharedBytes, parameterBlock);
    }

    /**
     * Runs the launch compiled, puts memory back, and runs it with all checks. For tests: both must leave
     * the same bits, unless the checks find something. Nothing else may use the memory meanwhile.
     *
     * @return the report of the checked launch, whose results memory holds
     * @throws IllegalStateException if they do not; a bug of this module
     */
    public LaunchReport launchBothWays(
            Dim3 grid, Dim3 block, int dynamicSharedBytes, KernelArguments arguments) {
        byte[] parameterBlock = arguments.toBlock();
        return new CrossCheck(memory)
                .run(s -> launch(grid, block, dynamicSharedBytes, parameterBlock, s));
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
        if (block.z() > MAX_BLOCK_Z) {
            throw new IllegalArgumentException(
                    name() + ": block " + block + " is more than " + MAX_BLOCK_Z + " deep");
        }
        if (grid.count() < 1 || grid.y() > MAX_GRID_YZ || grid.z() > MAX_GRID_YZ) {
            throw new IllegalArgumentException(
                    name()
                            + ": grid "
                            + grid
                            + ", expected at least 1 block, y and z at most "
                            + MAX_GRID_YZ);
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
