package dev.instaflow.kernels;

import dev.instaflow.kernels.AttentionKernel.Path;

/**
 * The kernel that a head width goes to, and its geometry.
 *
 * @param module the PTX
 * @param width head width that the entry is made for
 * @param rows that a block computes
 * @param threads of a block
 * @param sharedBytes dynamic
 */
record AttentionTiling(KernelModule module, int width, int rows, int threads, int sharedBytes) {
    private static final int[] TENSOR_CORE_WIDTHS = {32, 48, 64, 80, 160, 512};
    private static final int[] PLAIN_WIDTHS = {64, 160, 512};

    /** Wider heads have a kernel of their own, whose gradient is left to the plain path. */
    private static final int WIDEST_TILE = 160;

    private static final int ELEMENT_BYTES = 2;
    private static final int TILE_ROWS = 64;
    private static final int WALKED_ROWS = 32;
    private static final int TILE_THREADS = 128;

    /** A row of scores of the wide kernel, with its gap. */
    private static final int SCORE_PITCH = 40;

    static AttentionTiling of(Path path, int headWidth) {
        if (path == Path.PLAIN) {
            return plain(KernelModule.ATTENTION_PLAIN, headWidth);
        }
        int width = least(TENSOR_CORE_WIDTHS, headWidth);
        if (width > WIDEST_TILE) {
            int scores = WALKED_ROWS * SCORE_PITCH * Float.BYTES;
            int shared = 2 * WALKED_ROWS * width * ELEMENT_BYTES + scores;
            return new AttentionTiling(
                    KernelModule.ATTENTION, width, WALKED_ROWS, Sizes.BLOCK, shared);
        }
        int keys = width == WIDEST_TILE ? WALKED_ROWS : TILE_ROWS;
        int shared = (TILE_ROWS + 2 * keys) * width * ELEMENT_BYTES;
        return new AttentionTiling(KernelModule.ATTENTION, width, TILE_ROWS, TILE_THREADS, shared);
    }

    static AttentionTiling ofGradient(Path path, int headWidth) {
        if (path == Path.PLAIN || headWidth > WIDEST_TILE) {
            return plain(KernelModule.ATTENTION_PLAIN_BWD, headWidth);
        }
        int width = least(TENSOR_CORE_WIDTHS, headWidth);
        int shared = 2 * (TILE_ROWS + WALKED_ROWS) * width * ELEMENT_BYTES;
        return new AttentionTiling(
                KernelModule.ATTENTION_BWD, width, TILE_ROWS, TILE_THREADS, shared);
    }

    private static AttentionTiling plain(KernelModule module, int headWidth) {
        return new AttentionTiling(
                module, least(PLAIN_WIDTHS, headWidth), WALKED_ROWS, Sizes.BLOCK, 0);
    }

    private static int least(int[] widths, int headWidth) {
        int i = 0;
        while (widths[i] < headWidth) {
            i++;
        }
        return widths[i];
    }

    /** Blocks that share the columns of dk and dv, whose sums would not fit the registers of one. */
    int parts() {
        return module == KernelModule.ATTENTION_BWD && width == WIDEST_TILE ? 2 : 1;
    }

    /** Shared memory for lse and delta of the queries that are walked. */
    int sumBytes() {
        return module == KernelModule.ATTENTION_BWD ? 2 * WALKED_ROWS * Float.BYTES : 0;
    }

    String entry(String op, Storage storage) {
        return module.fileName() + "_" + op + "_" + storage.suffix() + "_" + width;
    }
}
