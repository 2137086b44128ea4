package dev.instaflow.kernels;

/**
 * Layer normalisation over rows of C. Ba et al. 2016, "Layer Normalization". The gradient is {@link #backward}, then {@link
 * #backwardParameters} and {@link ReduceKernel#chunks}. See {@code layer_norm.cu}.
 */
public final class LayerNormKernel {
    /** Rows whose parameter gradients a block adds up: enough blocks for a device, few partial sums. */
    private static final int LEAST_ROWS = 64;

    private static final int MAX_CHUNKS = 128;
    private static final int ROWS_A_BLOCK = 8;
    private static final int PAIR_BYTES = 8;

    private LayerNormKernel() {}

    /**
     * Sizes.
     *
     * @param storage of x, y and their gradients
     * @param rows of all samples together
     * @param channels C
     * @param eps added to the variance
     */
    public record Spec(Storage storage, int rows, int channels, float eps) {
        /** Checks the sizes. */
        public Spec {
            Sizes.requirePositive("layer norm: rows", rows);
            Sizes.requirePositive("layer norm: channels", channels);
        }

        private int chunkRows() {
            return (int) Math.max(LEAST_ROWS, Sizes.ceilDiv(rows, MAX_CHUNKS));
        }

        /**
         * Chunks of rows that the parameter gradients are summed in.
         *
         * @return at least 1
         */
        public int chunks() {
            return (int) Sizes.ceilDiv(rows, chunkRows());
        }

        /**
         * Size of {@code stats}.
         *
         * @return [rows] pairs
         */
        public long statsBytes() {
            return (long) rows * PAIR_BYTES;
        }

        /**
         * Size of {@code columns}.
         *
         * @return [chunks,2,C] F32
         */
        public long columnsBytes() {
            return (long) chunks() * channels * PAIR_BYTES;
        }

        private KernelLaunch.Builder launch(String op, long blocks) {
            return KernelLaunch.of(
                            KernelModule.LAYER_NORM, "layer_norm_" + op + "_" + storage.suffix())
                    .grid(blocks);
        }
    }

    /**
     * The normalised values.
     *
     * @param spec sizes
     * @param y written, [rows,C]; may be {@code x}
     * @param x [rows,C]
     * @param gamma [C], F32
     * @param beta [C], F32
     * @return the launch
     */
    public static KernelLaunch forward(Spec spec, long y, long x, long gamma, long beta) {
        return spec.launch("fwd", Sizes.ceilDiv(spec.rows(), ROWS_A_BLOCK))
                .operand("y", y)
                .operand("x", x)
                .operand("gamma", gamma)
                .operand("beta", beta)
                .int32(spec.rows())
                .int32(spec.channels())
                .float32(spec.eps())
                .block(Sizes.BLOCK);
    }

    /**
     * What the gradient is computed from.
     *
     * @param x [rows,C]
     * @param dy [rows,C]
     * @param gamma [C], F32
     */
    public record Saved(long x, long dy, long gamma) {}

    /**
     * Gradient of the input.
     *
     * @param spec sizes
     * @param dx written, [rows,C]; not {@code x} or {@code dy} if the parameters' gradient follows
     * @param stats written, {@link Spec#statsBytes}
     * @param saved read
     * @return the launch
     */
    public static KernelLaunch backward(Spec spec, long dx, long stats, Saved saved) {
        return spec.launch("bwd", Sizes.ceilDiv(spec.rows(), ROWS_A_BLOCK))
                .operand("dx", dx)
                .operand("stats", stats)
                .operand("x", saved.x())
                .operand("dy", saved.dy())
                .operand("gamma", saved.gamma())
                .int32(spec.rows())
                .int32(spec.channels())
                .float32(spec.eps())
                .block(Sizes.BLOCK);
    }

    /**
     * Sums of chunks of rows for the parameters' gradients.
     *
     * @param spec sizes
     * @param columns written, {@link Spec#columnsBytes}: planes of dbeta and dgamma, for {@link ReduceKernel#chunks}
     * @param stats of {@link #backward}
     * @param saved read
     * @return the launch
     */
    public static KernelLaunch backwardParameters(
            Spec spec, long columns, long stats, Saved saved) {
        return spec.launch("bwd_params", spec.chunks())
                .operand("columns", columns)
                .operand("x", saved.x())
                .operand("dy", saved.dy())
                .operand("stats", stats)
                .int32(spec.rows())
                .int32(spec.channels())
                .int32(spec.chunkRows())
                .block(32, 8);
    }
}
