package dev.instaflow.kernels;

import java.util.Locale;

/**
 * Sums of columns ({@link #columns}, then {@link #chunks}) and of all elements ({@link #total}, then {@link #blocks}). See {@code
 * reduce.cu}.
 */
public final class ReduceKernel {
    /** Blocks that add up all elements: enough for a device, and one block can finish them. */
    private static final int MAX_BLOCKS = 1024;

    private static final int LEAST_ROWS = 64;
    private static final int MAX_CHUNKS = 64;
    private static final int LANES = 32;

    private ReduceKernel() {}

    /** What is summed. */
    public enum Total {
        /** The elements. */
        SUM,
        /** Their squares. */
        SQUARES
    }

    /**
     * Sizes of {@code x [N,rows,C]}.
     *
     * @param storage of x
     * @param n samples that keep apart
     * @param rows of a sample, which are summed
     * @param channels C
     */
    public record Columns(Storage storage, int n, int rows, int channels) {
        /** Checks the sizes. */
        public Columns {
            Sizes.requirePositive("column sums: samples", n);
            Sizes.requirePositive("column sums: rows", rows);
            Sizes.requirePositive("column sums: channels", channels);
        }

        private int chunkRows() {
            return (int) Math.max(LEAST_ROWS, Sizes.ceilDiv(rows, MAX_CHUNKS));
        }

        /**
         * Chunks that the rows of a sample are divided into.
         *
         * @return at least 1
         */
        public int chunks() {
            return (int) Sizes.ceilDiv(rows, chunkRows());
        }

        /**
         * Size of {@code partial}.
         *
         * @return [N,chunks,C] F32
         */
        public long partialBytes() {
            return (long) n * chunks() * channels * Float.BYTES;
        }
    }

    /**
     * Sums of chunks of rows.
     *
     * @param spec sizes
     * @param partial written, {@link Columns#partialBytes}
     * @param x [N,rows,C]
     * @return the launch
     */
    public static KernelLaunch columns(Columns spec, long partial, long x) {
        return KernelLaunch.of(KernelModule.REDUCE, "reduce_columns_" + spec.storage().suffix())
                .grid(spec.chunks(), spec.n(), 1)
                .operand("partial", partial)
                .operand("x", x)
                .int32(spec.rows())
                .int32(spec.channels())
                .int32(spec.chunkRows())
                .block(LANES, 8);
    }

    /**
     * Rows of partial sums: {@code [N,chunks,stride]} F32, of which columns {@code [offset, offset + channels)} are added up.
     *
     * @param n samples that keep apart
     * @param chunks rows of a sample
     * @param channels columns that are wanted
     * @param stride columns there are
     * @param offset first wanted column
     */
    public record Partial(int n, int chunks, int channels, int stride, int offset) {
        /**
         * Sums by {@link #columns}.
         *
         * @param spec its sizes
         * @return all of the columns
         */
        public static Partial of(Columns spec) {
            return new Partial(spec.n(), spec.chunks(), spec.channels(), spec.channels(), 0);
        }

        /**
         * The sums of dy in {@link GroupNormKernel}'s or {@link LayerNormKernel}'s {@code columns}: the gradient of beta.
         *
         * @param chunks N * chunks of the norm
         * @param channels C
         * @return the first plane
         */
        public static Partial beta(int chunks, int channels) {
            return new Partial(1, chunks, channels, 2 * channels, 0);
        }

        /**
         * The sums of dy * xhat there: the gradient of gamma.
         *
         * @param chunks N * chunks of the norm
         * @param channels C
         * @return the second plane
         */
        public static Partial gamma(int chunks, int channels) {
            return new Partial(1, chunks, channels, 2 * channels, channels);
        }
    }

    /**
     * Adds up the chunks.
     *
     * @param spec sizes
     * @param y written, [N,channels] F32
     * @param partial the chunks' sums
     * @return the launch
     */
    public static KernelLaunch chunks(Partial spec, long y, long partial) {
        return KernelLaunch.of(KernelModule.REDUCE, "reduce_chunks_f32")
                .grid(Sizes.ceilDiv(spec.channels(), LANES), spec.n(), 1)
                .operand("y", y)
                .operand("partial", partial)
                .int32(spec.channels())
                .int32(spec.chunks())
                .int32(spec.stride())
                .int32(spec.offset())
                .block(LANES, 8);
    }

    /**
     * Blocks that {@link #total} adds up with.
     *
     * @param storage of x
     * @param count elements
     * @return floats in {@code partial}
     */
    public static int totalBlocks(Storage storage, long count) {
        long blocks = Sizes.ceilDiv(count, (long) Sizes.BLOCK * storage.packSize());
        return (int) Math.min(MAX_BLOCKS, blocks);
    }

    /**
     * One sum a block.
     *
     * @param storage of x
     * @param what is summed
     * @param partial written, [{@link #totalBlocks}] F32
     * @param x [count]
     * @param count elements
     * @return the launch
     */
    public static KernelLaunch total(
            Storage storage, Total what, long partial, long x, long count) {
        Sizes.requirePositive("sum: count", count);
        String op = what.name().toLowerCase(Locale.ROOT);
        return KernelLaunch.of(KernelModule.REDUCE, "reduce_" + op + "_" + storage.suffix())
                .grid(totalBlocks(storage, count))
                .operand("partial", partial)
                .operand("x", x)
                .int32(count)
                .block(Sizes.BLOCK);
    }

    /**
     * The sum of the blocks' sums.
     *
     * @param y written, one F32
     * @param partial [blocks] F32
     * @param blocks how many
     * @return the launch
     */
    public static KernelLaunch blocks(long y, long partial, int blocks) {
        Sizes.requirePositive("sum: blocks", blocks);
        return KernelLaunch.of(KernelModule.REDUCE, "reduce_blocks_f32")
                .operand("y", y)
                .operand("partial", partial)
                .int32(blocks)
                .block(Sizes.BLOCK);
    }
}
