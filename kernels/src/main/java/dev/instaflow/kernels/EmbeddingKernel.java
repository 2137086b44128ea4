package dev.instaflow.kernels;

/** Vectors for times and tokens. See {@code embedding.cu}. */
public final class EmbeddingKernel {
    private EmbeddingKernel() {}

    /**
     * {@code [cos(label f_i), sin(label f_i)]}, {@code f_i = 10000^(-i / (channels / 2))}.
     *
     * @param storage of y
     * @param y written, [n,channels]
     * @param labels [n], F32
     * @param n samples
     * @param channels even
     * @return the launch
     */
    public static KernelLaunch time(Storage storage, long y, long labels, int n, int channels) {
        Sizes.requirePositive("time embedding: samples", n);
        Sizes.requirePositive("time embedding: elements", (long) n * channels);
        if (channels % 2 != 0) {
            throw new IllegalArgumentException(
                    "time embedding of " + channels + " channels, expected an even number");
        }
        return KernelLaunch.of(KernelModule.EMBEDDING, "embedding_time_" + storage.suffix())
                .grid(Sizes.ceilDiv((long) n * channels / 2, Sizes.BLOCK))
                .operand("y", y)
                .operand("labels", labels)
                .int32(n)
                .int32(channels)
                .block(Sizes.BLOCK);
    }

    /**
     * Sizes of a look-up.
     *
     * @param tokens of all samples together
     * @param width E, elements of a row
     */
    public record Extents(int tokens, int width) {
        /** Checks the sizes. */
        public Extents {
            Sizes.requirePositive("embedding: tokens", tokens);
            Sizes.requirePositive("embedding: elements", (long) tokens * width);
        }
    }

    /**
     * {@code y[t] = table[ids[t]]}.
     *
     * @param storage of table and y
     * @param y written, [tokens,E]
     * @param table [V,E]
     * @param ids [tokens], 32-bit, each in [0,V): the kernel does not look
     * @param extents sizes
     * @return the launch
     */
    public static KernelLaunch rows(
            Storage storage, long y, long table, long ids, Extents extents) {
        long count = (long) extents.tokens() * extents.width();
        return KernelLaunch.of(KernelModule.EMBEDDING, "embedding_rows_" + storage.sizeSuffix())
                .grid(Sizes.blocksOfVectors(count, extents.width()))
                .operand("y", y)
                .operand("table", table)
                .operand("ids", ids)
                .int32(extents.tokens())
                .int32(extents.width())
                .block(Sizes.BLOCK);
    }

    /**
     * The gradient of the table.
     *
     * @param storage of dy
     * @param dtable [V,E] F32, 0 before; rows that no token names stay so
     * @param dy [tokens,E]
     * @param ids [tokens], 32-bit
     * @param extents sizes
     * @return the launch
     */
    public static KernelLaunch rowsGradient(
            Storage storage, long dtable, long dy, long ids, Extents extents) {
        return KernelLaunch.of(KernelModule.EMBEDDING, "embedding_rows_grad_" + storage.suffix())
                .grid(extents.tokens())
                .operand("dtable", dtable)
                .operand("dy", dy)
                .operand("ids", ids)
                .int32(extents.tokens())
                .int32(extents.width())
                .block(Sizes.BLOCK);
    }
}
