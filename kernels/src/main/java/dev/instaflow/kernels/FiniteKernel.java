package dev.instaflow.kernels;

/** Whether all elements are finite numbers. See {@code finite.cu}. */
public final class FiniteKernel {
    private FiniteKernel() {}

    /**
     * Sets a flag if there is a NaN or an infinity.
     *
     * @param storage of x
     * @param flag one 32-bit integer, 0 before; 1 if one was found
     * @param x [count]
     * @param count elements
     * @return the launch
     */
    public static KernelLaunch check(Storage storage, long flag, long x, long count) {
        Sizes.requirePositive("finite check: count", count);
        return KernelLaunch.of(KernelModule.FINITE, "finite_check_" + storage.suffix())
                .grid(Sizes.ceilDiv(count, (long) Sizes.BLOCK * storage.packSize()))
                .operand("flag", flag)
                .operand("x", x)
                .int32(count)
                .block(Sizes.BLOCK);
    }
}
