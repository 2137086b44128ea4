package dev.instaflow.kernels;

/** Bytes of pictures, and the layouts of other programs. See {@code image.cu}. */
public final class ImageKernel {
    private static final int TILE = 32;

    private ImageKernel() {}

    /**
     * RGBA bytes of a decoder's output, {@code round(clamp(x/2 + 1/2, 0, 1) * 255)}; with four channels colour is premultiplied and becomes
     * straight, with three alpha is 255.
     *
     * @param storage of x
     * @param rgba written, [pixels,4] bytes
     * @param x [pixels,channels], nominally -1..1
     * @param pixels of all samples together
     * @param channels 3 or 4
     * @return the launch
     */
    public static KernelLaunch rgba8(
            Storage storage, long rgba, long x, long pixels, int channels) {
        Sizes.requirePositive("picture: elements", 4 * pixels);
        if (channels != 3 && channels != 4) {
            throw new IllegalArgumentException(
                    "picture of " + channels + " channels, expected 3 or 4");
        }
        return KernelLaunch.of(KernelModule.IMAGE, "image_rgba8_" + storage.suffix())
                .grid(Sizes.ceilDiv(pixels, Sizes.BLOCK))
                .operand("rgba", rgba)
                .operand("x", x)
                .int32(pixels)
                .int32(channels)
                .block(Sizes.BLOCK);
    }

    /**
     * {@code [n,rows,columns]} to {@code [n,columns,rows]}: with rows the pixels and columns the channels NHWC to NCHW, the other way round back.
     *
     * @param storage of both
     * @param y written, [n,columns,rows]
     * @param x [n,rows,columns]
     * @param matrix sizes
     * @return the launch
     */
    public static KernelLaunch transpose(Storage storage, long y, long x, Matrices matrix) {
        return KernelLaunch.of(KernelModule.IMAGE, "image_transpose_" + storage.sizeSuffix())
                .grid(
                        Sizes.ceilDiv(matrix.columns(), TILE),
                        Sizes.ceilDiv(matrix.rows(), TILE),
                        matrix.n())
                .operand("y", y)
                .operand("x", x)
                .int32(matrix.rows())
                .int32(matrix.columns())
                .block(TILE, 8);
    }

    /**
     * Matrices of one size. The grid limits columns or rows, whichever counts pixels, to 2 million.
     *
     * @param n how many
     * @param rows of each
     * @param columns of each
     */
    public record Matrices(int n, int rows, int columns) {
        /** Checks the sizes. */
        public Matrices {
            Sizes.requirePositive("transpose: matrices", n);
            Sizes.requirePositive("transpose: rows", rows);
            Sizes.requirePositive("transpose: columns", columns);
        }
    }
}
