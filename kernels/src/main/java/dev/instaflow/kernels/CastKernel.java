package dev.instaflow.kernels;

/** Values in another storage. See {@code cast.cu}. */
public final class CastKernel {
    private CastKernel() {}

    /**
     * {@code y = x}, rounded to nearest even.
     *
     * @param from storage of x
     * @param to storage of y, another one
     * @param y written, [count]
     * @param x [count]
     * @param count elements
     * @return the launch
     */
    public static KernelLaunch cast(Storage from, Storage to, long y, long x, long count) {
        Sizes.requirePositive("cast: count", count);
        if (from == to) {
            throw new IllegalArgumentException("cast from " + from + " to itself: copy it");
        }
        long elements = Math.min(from.packSize(), to.packSize());
        return KernelLaunch.of(KernelModule.CAST, "cast_" + from.suffix() + "_" + to.suffix())
                .grid(Sizes.ceilDiv(count, Sizes.BLOCK * elements))
                .operand("y", y)
                .operand("x", x)
                .int32(count)
                .block(Sizes.BLOCK);
    }
}
