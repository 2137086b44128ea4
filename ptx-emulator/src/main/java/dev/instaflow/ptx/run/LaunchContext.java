package dev.instaflow.ptx.run;

/**
 * What the steps of one launch share.
 *
 * @param parameters the parameter block
 */
record LaunchContext(
        KernelCode code,
        Dim3 grid,
        Dim3 block,
        byte[] parameters,
        EmulatedMemory memory,
        SharedMemory shared,
        Sanitiser sanitiser,
        TrafficMeter meter) {}
