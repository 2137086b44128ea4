package dev.instaflow.ops;

/**
 * The geometry of a 2-d convolution: square kernel, zero padding on each side by its own amount.
 *
 * @param kernel kernel height and width, at least 1
 * @param stride step in both directions, at least 1
 * @param top rows of zeros above
 * @param left columns of zeros on the left
 * @param bottom rows of zeros below
 * @param right columns of zeros on the right
 */
public record ConvSpec(int kernel, int stride, int top, int left, int bottom, int right) {
    /** 1x1, the same as a linear layer over channels. */
    public static final ConvSpec POINTWISE = new ConvSpec(1, 1, 0, 0, 0, 0);

    /** 3x3 that keeps the size. */
    public static final ConvSpec SAME_3X3 = new ConvSpec(3, 1, 1, 1, 1, 1);

    /** The UNet's downsampling: 3x3, stride 2, padding 1 on all sides. */
    public static final ConvSpec DOWN_SYMMETRIC = new ConvSpec(3, 2, 1, 1, 1, 1);

    /** The VAE encoder's downsampling: 3x3, stride 2, padding below and on the right alone. */
    public static final ConvSpec DOWN_ASYMMETRIC = new ConvSpec(3, 2, 0, 0, 1, 1);

    /** Checks the sizes. */
    public ConvSpec {
        if (kernel < 1 || stride < 1 || top < 0 || left < 0 || bottom < 0 || right < 0) {
            throw new IllegalArgumentException(
                    "convolution with kernel %d, stride %d, padding %d %d %d %d"
                            .formatted(kernel, stride, top, left, bottom, right));
        }
    }

    /**
     * Rows of the result.
     *
     * @param height rows of the input
     * @return rows of the output
     * @throws IllegalArgumentException if the padded input is smaller than the kernel
     */
    public long outHeight(long height) {
        return out(height + top + bottom);
    }

    /**
     * Columns of the result.
     *
     * @param width columns of the input
     * @return columns of the output
     * @throws IllegalArgumentException if the padded input is smaller than the kernel
     */
    public long outWidth(long width) {
        return out(width + left + right);
    }

    private long out(long padded) {
        if (padded < kernel) {
            throw new IllegalArgumentException(
                    "a %dx%d kernel does not fit into %d padded pixels"
                            .formatted(kernel, kernel, padded));
        }
        return (padded - kernel) / stride + 1;
    }
}
