package dev.instaflow.kernels;

/**
 * Group normalisation of {@code x [N,HW,C]}, with a vector added to each sample before and SiLU after where asked for. Wu and He 2018,
 * "Group Normalization". Forward is {@link #sums} then {@link #forward}; backward is {@link #backwardSums}, then {@link #backward} and
 * {@link ReduceKernel#chunks} in any order. See {@code group_norm.cu}.
 */
public final class GroupNormKernel {
    /** Elements a chunk should have at least: below, the launch is over before the memory is busy. */
    private static final long CHUNK_ELEMENTS = 8192;

    private static final int MAX_CHUNKS = 64;
    private static final int PAIR_BYTES = 8;

    private GroupNormKernel() {}

    /** What is applied to the normalised value. */
    public enum Then {
        /** Nothing. */
        IDENTITY,
        /** {@code u / (1 + exp(-u))}. */
        SILU
    }

    /**
     * Sizes.
     *
     * @param storage of x, y, shift and their gradients
     * @param n samples
     * @param pixels HW, rows of a sample
     * @param channels C
     * @param groups divides {@code channels}
     * @param eps added to the variance
     * @param then applied last
     */
    public record Spec(
            Storage storage, int n, int pixels, int channels, int groups, float eps, Then then) {
        /** Checks the sizes. */
        public Spec {
            Sizes.requirePositive("group norm: samples", n);
            Sizes.requirePositive("group norm: elements a sample", (long) pixels * channels);
            if (groups < 1 || channels % groups != 0) {
                throw new IllegalArgumentException(
                        "group norm: " + channels + " channels in " + groups + " groups");
            }
        }

        /** Rows that a block takes. */
        int rows() {
            long chunks = Math.max(1, (long) pixels * channels / CHUNK_ELEMENTS);
            return (int) Sizes.ceilDiv(pixels, Math.min(MAX_CHUNKS, chunks));
        }

        /**
         * Chunks that a sample is divided into.
         *
         * @return at least 1
         */
        public int chunks() {
            return (int) Sizes.ceilDiv(pixels, rows());
        }

        /**
         * Size of {@code partial}.
         *
         * @return [N,chunks,groups] pairs
         */
        public long partialBytes() {
            return (long) n * chunks() * groups * PAIR_BYTES;
        }

        /**
         * Size of {@code stats}.
         *
         * @return [N,groups] pairs
         */
        public long statsBytes() {
            return (long) n * groups * PAIR_BYTES;
        }

        /**
         * Size of {@code columns}.
         *
         * @return [N*chunks,2,C] F32
         */
        public long columnsBytes() {
            return (long) n * chunks() * channels * PAIR_BYTES;
        }

        private KernelLaunch.Builder launch(String op, long sharedFloats) {
            return KernelLaunch.of(
                            KernelModule.GROUP_NORM, "group_norm_" + op + "_" + storage.suffix())
                    .grid(chunks(), n, 1)
                    .shared(sharedFloats * Float.BYTES);
        }

        /** What every entry takes after its operands. */
        private KernelLaunch.Builder sizes(KernelLaunch.Builder launch) {
            return launch.int32(pixels).int32(channels).int32(groups).int32(rows());
        }

        /** Floats for tables of C, and the sums of the groups: one pair and eight to add up. */
        private long sharedFloats(int tables) {
            return (long) tables * channels + channels % 2 + 2L * 9 * groups;
        }

        private int silu() {
            return then == Then.SILU ? 1 : 0;
        }
    }

    /**
     * What is normalised.
     *
     * @param x [N,HW,C]
     * @param shift [N,C], added to every pixel before; 0 for none
     */
    public record Input(long x, long shift) {}

    /**
     * The layer's parameters, F32.
     *
     * @param gamma [C]
     * @param beta [C]
     */
    public record Affine(long gamma, long beta) {}

    /**
     * Sums of the chunks.
     *
     * @param spec sizes
     * @param partial written, {@link Spec#partialBytes}
     * @param input read
     * @return the launch
     */
    public static KernelLaunch sums(Spec spec, long partial, Input input) {
        return spec.sizes(
                        spec.launch("sums", 2L * spec.channels())
                                .operand("partial", partial)
                                .operand("x", input.x())
                                .optional("shift", input.shift()))
                .block(32, 8);
    }

    /**
     * The normalised values.
     *
     * @param spec sizes
     * @param y written, [N,HW,C]; may be {@code x}
     * @param stats written, {@link Spec#statsBytes}: mean and 1/std for the gradient; 0 if there is none
     * @param input read
     * @param affine read
     * @param partial of {@link #sums}
     * @return the launch
     */
    public static KernelLaunch forward(
            Spec spec, long y, long stats, Input input, Affine affine, long partial) {
        return spec.sizes(
                        spec.launch("fwd", spec.sharedFloats(3))
                                .operand("y", y)
                                .optional("stats", stats)
                                .operand("x", input.x())
                                .optional("shift", input.shift())
                                .operand("gamma", affine.gamma())
                                .operand("beta", affine.beta())
                                .operand("partial", partial))
                .int32(spec.chunks())
                .float32(spec.eps())
                .int32(spec.silu())
                .block(Sizes.BLOCK);
    }

    /**
     * What the gradient is computed from.
     *
     * @param input of the forward pass
     * @param affine of the forward pass
     * @param stats that it wrote
     * @param dy [N,HW,C]
     */
    public record Saved(Input input, Affine affine, long stats, long dy) {}

    /**
     * Sums of the chunks for the gradient.
     *
     * @param spec sizes
     * @param columns written, {@link Spec#columnsBytes}: planes of dbeta and dgamma, for {@link ReduceKernel#chunks}
     * @param partial written, {@link Spec#partialBytes}
     * @param saved read
     * @return the launch
     */
    public static KernelLaunch backwardSums(Spec spec, long columns, long partial, Saved saved) {
        return spec.sizes(
                        spec.launch("bwd_sums", 2L * spec.channels())
                                .operand("columns", columns)
                                .operand("partial", partial)
                                .operand("x", saved.input().x())
                                .optional("shift", saved.input().shift())
                                .operand("dy", saved.dy())
                                .operand("gamma", saved.affine().gamma())
                                .operand("beta", saved.affine().beta())
                                .operand("stats", saved.stats()))
                .int32(spec.silu())
                .block(32, 8);
    }

    /**
     * Gradient of the input; that of {@code shift} is its sum over the pixels.
     *
     * @param spec sizes
     * @param dx written, [N,HW,C]; may be {@code x} or {@code dy}
     * @param partial of {@link #backwardSums}
     * @param saved read
     * @return the launch
     */
    public static KernelLaunch backward(Spec spec, long dx, long partial, Saved saved) {
        return spec.sizes(
                        spec.launch("bwd", spec.sharedFloats(4))
                                .operand("dx", dx)
                                .operand("x", saved.input().x())
                                .optional("shift", saved.input().shift())
                                .operand("dy", saved.dy())
                                .operand("gamma", saved.affine().gamma())
                                .operand("beta", saved.affine().beta())
                                .operand("stats", saved.stats())
                                .operand("partial", partial))
                .int32(spec.chunks())
                .int32(spec.silu())
                .block(Sizes.BLOCK);
    }
}
