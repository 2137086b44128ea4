package dev.instaflow.ptx.run;

import dev.instaflow.ptx.run.EmulatedMemory.Allocation;
import java.nio.ByteBuffer;

/**
 * What the steps of one launch share on one thread, which runs a block at a time.
 *
 * @param parameters the parameter block
 * @param arrivals by barrier, threads of the block that arrived and do not wait
 * @param lastFound by index of the step, the allocation that it met last
 */
record LaunchContext(
        KernelCode code,
        Dim3 grid,
        Dim3 block,
        ByteBuffer parameters,
        EmulatedMemory memory,
        SharedMemory shared,
        Sanitiser sanitiser,
        TrafficMeter meter,
        LaunchSettings.Mode mode,
        int[] arrivals,
        Allocation[] lastFound) {

    boolean isChecked() {
        return mode == LaunchSettings.Mode.CHECKED;
    }

    /** The allocation that holds or precedes an address, or null. */
    Allocation find(Step step, long address) {
        Allocation last = lastFound[step.index];
        if (last.contains(address, 1)) {
            return last;
        }
        Allocation found = memory.find(address);
        if (found != null) {
            lastFound[step.index] = found;
        }
        return found;
    }
}
