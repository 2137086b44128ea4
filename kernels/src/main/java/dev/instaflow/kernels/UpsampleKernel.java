package dev.instaflow.kernels;

/** Nearest-neighbour resize of {@code [N,H,W,C]}, pixel {@code floor(i * in / out)}. See {@code upsample.cu}. */
public final class UpsampleKernel {
    private UpsampleKernel() {}

    /**
     * Extent of a picture.
     *
     * @param height rows
     * @param width columns
     */
    public record Extent(int height, int width) {
        private long pixels() {
            return (long) height * width;
        }
    }

    /**
     * Sizes.
     *
     * @param storage of both
     * @param n samples
     * @param from extent of x
     * @param to extent of y, at least that of x
     * @param channels C
     */
    public record Spec(Storage storage, int n, Extent from, Extent to, int channels) {
        /** Checks the sizes. */
        public Spec {
            Sizes.requirePositive("upsample: input", n * from.pixels() * channels);
            Sizes.requirePositive("upsample: output", n * to.pixels() * channels);
            Sizes.requirePositive("upsample: rows", (long) from.height() * to.height());
            Sizes.requirePositive("upsample: columns", (long) from.width() * to.width());
            if (to.height() < from.height() || to.width() < from.width()) {
                throw new IllegalArgumentException("upsample from " + from + " to " + to);
            }
        }

        private KernelLaunch launch(String entry, String y, long result, long x, Extent extent) {
            long pixels = n * extent.pixels();
            return KernelLaunch.of(KernelModule.UPSAMPLE, "upsample_" + entry)
                    .grid(Sizes.blocksOfVectors(pixels * channels, channels))
                    .operand(y, result)
                    .operand(y.equals("y") ? "x" : "dy", x)
                    .int32(pixels)
                    .int32(from.height())
                    .int32(from.width())
                    .int32(to.height())
                    .int32(to.width())
                    .int32(channels)
                    .block(Sizes.BLOCK);
        }
    }

    /**
     * The larger picture.
     *
     * @param spec sizes
     * @param y written, [N,OH,OW,C]
     * @param x [N,H,W,C]
     * @return the launch
     */
    public static KernelLaunch forward(Spec spec, long y, long x) {
        return spec.launch("fwd_" + spec.storage().sizeSuffix(), "y", y, x, spec.to());
    }

    /**
     * The gradient: for each pixel of x the sum over its copies.
     *
     * @param spec sizes
     * @param dx written, [N,H,W,C]
     * @param dy [N,OH,OW,C]
     * @return the launch
     */
    public static KernelLaunch backward(Spec spec, long dx, long dy) {
        return spec.launch("bwd_" + spec.storage().suffix(), "dx", dx, dy, spec.from());
    }
}
