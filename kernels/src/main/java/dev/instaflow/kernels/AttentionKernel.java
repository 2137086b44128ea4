package dev.instaflow.kernels;

/**
 * {@code softmax(q k^T / sqrt(d)) v}, head by head, without the scores in memory. Vaswani et al. 2017; Dao 2023, "FlashAttention-2". See
 * {@code attention.cu} and {@code attention_plain.cu}.
 */
public final class AttentionKernel {
    private static final int WIDE = 512;

    private AttentionKernel() {}

    /** What computes the products. */
    public enum Path {
        /** Tensor cores: F16 or BF16, head widths that are a multiple of 8, compute capability 8.0. */
        TENSOR_CORES,
        /** F32 arithmetic: any storage, any head width up to 512. */
        PLAIN;

        /**
         * The faster of those that can.
         *
         * @param storage of q, k, v and y
         * @param headWidth d
         * @param computeCapability of the device, such as 86
         * @return the path
         */
        public static Path of(Storage storage, int headWidth, int computeCapability) {
            boolean fits = storage != Storage.F32 && headWidth % 8 == 0;
            return fits && computeCapability >= KernelModule.ATTENTION.target()
                    ? TENSOR_CORES
                    : PLAIN;
        }
    }

    /** Which keys a query sees. */
    public enum Mask {
        /** All of them. */
        NONE,
        /** Those at its own position and before. */
        CAUSAL
    }

    /**
     * Sizes.
     *
     * @param queries positions that ask
     * @param keys positions that answer
     * @param heads A
     * @param headWidth d, up to 512
     */
    public record Extents(int queries, int keys, int heads, int headWidth) {
        /** Checks the sizes. */
        public Extents {
            Sizes.requirePositive("attention: queries", queries);
            Sizes.requirePositive("attention: keys", keys);
            Sizes.requirePositive("attention: channels", (long) heads * headWidth);
            if (headWidth > WIDE) {
                throw new IllegalArgumentException(
                        "attention: heads of " + headWidth + " channels, expected at most " + WIDE);
            }
        }

        float scale() {
            return (float) (1 / Math.sqrt(headWidth));
        }
    }

    /**
     * A problem.
     *
     * @param storage of all operands but lse
     * @param path what computes
     * @param n samples
     * @param extents sizes of a sample
     * @param mask which keys count
     */
    public record Spec(Storage storage, Path path, int n, Extents extents, Mask mask) {
        /** Checks that the path can. */
        public Spec {
            Sizes.requirePositive("attention: samples", n);
            if (path == Path.TENSOR_CORES
                    && (storage == Storage.F32 || extents.headWidth() % 8 != 0)) {
                throw new IllegalArgumentException(
                        "attention: tensor cores take F16 and BF16 and head widths that are a"
                                + " multiple of 8, got "
                                + storage
                                + " and "
                                + extents.headWidth());
            }
        }

        /**
         * Size of {@code lse}.
         *
         * @return [N,heads,queries] F32
         */
        public long lseBytes() {
            return (long) n * extents.heads() * extents.queries() * Float.BYTES;
        }
    }

    /**
     * A matrix whose rows, of all samples, lie at equal distances.
     *
     * @param address of the first element
     * @param stride elements from row to row, at least heads * d
     */
    public record Rows(long address, int stride) {}

    /**
     * What attention reads.
     *
     * @param q [N,queries,heads,d]
     * @param k [N,keys,heads,d]
     * @param v [N,keys,heads,d]
     */
    public record Inputs(Rows q, Rows k, Rows v) {}

    /**
     * Attention.
     *
     * @param spec sizes
     * @param y written, [N,queries,heads,d]
     * @param lse written, {@link Spec#lseBytes}: logarithm of each row's sum, for the gradient; 0 if there is none
     * @param inputs read
     * @return the launch
     */
    public static KernelLaunch forward(Spec spec, Rows y, long lse, Inputs inputs) {
        Extents e = spec.extents();
        AttentionTiling tiling = AttentionTiling.of(spec.path(), e.headWidth());
        KernelLaunch.Builder launch =
                KernelLaunch.of(tiling.module(), tiling.entry("fwd", spec.storage()))
                        .grid(Sizes.ceilDiv(e.queries(), tiling.rows()), e.heads(), spec.n())
                        .shared(tiling.sharedBytes());
        rows(launch, spec, "y", y);
        launch.optional("lse", lse);
        rows(launch, spec, "q", inputs.q());
        rows(launch, spec, "k", inputs.k());
        rows(launch, spec, "v", inputs.v());
        return launch.int32(e.queries())
                .int32(e.keys())
                .int32(y.stride())
                .int32(inputs.q().stride())
                .int32(inputs.k().stride())
                .int32(inputs.v().stride())
                .int32(e.headWidth())
                .float32(e.scale())
                .int32(causal(spec))
                .block(tiling.threads());
    }

    static int causal(Spec spec) {
        return spec.mask() == Mask.CAUSAL ? 1 : 0;
    }

    static void rows(KernelLaunch.Builder launch, Spec spec, String name, Rows rows) {
        Extents e = spec.extents();
        int least = e.heads() * e.headWidth();
        boolean tensorCores = spec.path() == Path.TENSOR_CORES;
        if (rows.stride() < least || tensorCores && rows.stride() % 8 != 0) {
            throw new IllegalArgumentException(
                    "attention: rows of "
                            + name
                            + " are "
                            + rows.stride()
                            + " elements apart, expected at least "
                            + least
                            + (tensorCores ? " and a multiple of 8" : ""));
        }
        if (tensorCores) {
            launch.operand(name, rows.address());
        } else {
            launch.element(name, rows.address(), spec.storage().sizeBytes());
        }
    }
}
