package dev.instaflow.ptx.run;

import dev.instaflow.ptx.run.EmulatedMemory.Allocation;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/** One launch: hands the blocks of the grid to as many block runners as there are threads. */
final class GridRunner {
    private final KernelCode code;
    private final EmulatedMemory memory;
    private final Dim3 grid;
    private final Dim3 block;
    private final LaunchSettings settings;
    private final Sanitiser sanitiser = new Sanitiser();
    private final AtomicLong nextBlock = new AtomicLong();

    GridRunner(
            KernelCode code,
            EmulatedMemory memory,
            Dim3 grid,
            Dim3 block,
            LaunchSettings settings) {
        this.code = code;
        this.memory = memory;
        this.grid = grid;
        this.block = block;
        this.settings = settings;
    }

    LaunchReport run(int dynamicSharedBytes, byte[] parameterBlock) {
        boolean alone = code.hasFloatAtomics() || settings.threads() == 1;
        int threads = (int) Math.min(alone ? 1 : settings.threads(), grid.count());
        if (threads > 1) {
            IntStream.range(0, threads)
                    .parallel()
                    .forEach(i -> runBlocks(context(dynamicSharedBytes, parameterBlock)));
            return report(InstructionCounts.NONE, new TrafficMeter(settings.mode()).result());
        }
        LaunchContext context = context(dynamicSharedBytes, parameterBlock);
        BlockRunner runner = runBlocks(context);
        return report(runner.counts(), context.meter().result());
    }

    private LaunchReport report(InstructionCounts counts, Traffic traffic) {
        return new LaunchReport(
                code.function().name(), !sanitiser.ended(), sanitiser.findings(), counts, traffic);
    }

    private LaunchContext context(int dynamicSharedBytes, byte[] parameterBlock) {
        Allocation[] lastFound = new Allocation[code.steps().length];
        Arrays.fill(lastFound, Allocation.NOWHERE);
        int sharedBytes = code.staticSharedBytes() + dynamicSharedBytes;
        return new LaunchContext(
                code,
                grid,
                block,
                ByteBuffer.wrap(parameterBlock.clone()).order(ByteOrder.LITTLE_ENDIAN),
                memory,
                new SharedMemory(sharedBytes, sanitiser, settings.mode()),
                sanitiser,
                new TrafficMeter(settings.mode()),
                settings.mode(),
                new int[Barriers.COUNT],
                lastFound);
    }

    private BlockRunner runBlocks(LaunchContext context) {
        BlockRunner runner = new BlockRunner(context, settings.maxWarpInstructions());
        long count = grid.count();
        try {
            long index = nextBlock.getAndIncrement();
            while (index < count && !sanitiser.ended()) {
                runner.runBlock(grid.at(index));
                index = nextBlock.getAndIncrement();
            }
        } catch (KernelFault fault) {
            // The sanitiser holds the finding, and the report says that the launch ended.
            assert sanitiser.ended();
        }
        return runner;
    }
}
