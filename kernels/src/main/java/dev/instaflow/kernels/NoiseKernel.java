package dev.instaflow.kernels;

/** {@code torch.randn} in F32 on a CUDA generator. See {@code noise.cu}. */
public final class NoiseKernel {
    /** Blocks that torch runs at most: those of an A100, 108 processors with 2048 threads each. */
    private static final int MAX_BLOCKS = 108 * (2048 / Sizes.BLOCK);

    private static final int DRAWS = 4;

    private NoiseKernel() {}

    /**
     * Normal numbers of mean 0 and variance 1.
     *
     * @param y written, [count] F32
     * @param count numbers
     * @param seed of the generator
     * @param round rounds that earlier calls with this seed took, see {@link #rounds}
     * @return the launch
     */
    public static KernelLaunch normal(long y, long count, long seed, long round) {
        Sizes.requirePositive("noise: count", count);
        int blocks = blocks(count);
        return KernelLaunch.of(KernelModule.NOISE, "noise_normal_f32")
                .grid(blocks)
                .operand("y", y)
                .int32(count)
                .int64(seed)
                .int64(round)
                .int32((long) blocks * Sizes.BLOCK)
                .block(Sizes.BLOCK);
    }

    /**
     * What a call adds to the generator's round.
     *
     * @param count numbers of the call
     * @return rounds
     */
    public static long rounds(long count) {
        return Sizes.ceilDiv(count, (long) DRAWS * blocks(count) * Sizes.BLOCK);
    }

    private static int blocks(long count) {
        return (int) Math.min(MAX_BLOCKS, Sizes.ceilDiv(count, Sizes.BLOCK));
    }
}
