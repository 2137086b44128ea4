package dev.instaflow.kernels;

/** Operations on the last dimension: biases, joining, parts. See {@code channels.cu}. */
public final class ChannelsKernel {
    private ChannelsKernel() {}

    /** What is applied to the biased value. Ordinals are the kernel's codes. */
    public enum Then {
        /** Nothing. */
        IDENTITY,
        /** {@code u / (1 + exp(-u))}. */
        SILU,
        /** {@code u / (1 + exp(-1.702 u))}. */
        QUICKGELU,
        /** {@code u/2 (1 + erf(u/sqrt 2))}. */
        GELU
    }

    /**
     * {@code y = x + b[row / rowsPerB]}: a vector a sample spread over its positions, or with {@code rowsPerB} the number of rows one for all.
     *
     * @param storage of all
     * @param y written, [rows,channels]; may be {@code x}
     * @param x [rows,channels]
     * @param b [rows / rowsPerB, channels]
     * @param extents sizes
     * @param rowsPerB rows that share a vector
     * @return the launch
     */
    public static KernelLaunch add(
            Storage storage, long y, long x, long b, Extents extents, long rowsPerB) {
        Sizes.requirePositive("add by channel: rows a vector", rowsPerB);
        return launch("add", storage.suffix(), extents.count(), extents.channels())
                .operand("y", y)
                .operand("x", x)
                .operand("b", b)
                .int32(extents.count())
                .int32(extents.channels())
                .int32(rowsPerB)
                .block(Sizes.BLOCK);
    }

    /**
     * Sizes of a matrix.
     *
     * @param rows of all samples together
     * @param channels of a row
     */
    public record Extents(long rows, int channels) {
        /** Checks the sizes. */
        public Extents {
            Sizes.requirePositive("channels: rows", rows);
            Sizes.requirePositive("channels: elements", Math.multiplyExact(rows, channels));
        }

        long count() {
            return rows * channels;
        }
    }

    /**
     * {@code y = then(x + bias) + residual}.
     *
     * @param storage of x, y and residual
     * @param then applied to the biased value
     * @param y written, [rows,channels]; may be {@code x} or {@code residual}
     * @param operands read
     * @param extents sizes
     * @return the launch
     */
    public static KernelLaunch bias(
            Storage storage, Then then, long y, Biased operands, Extents extents) {
        return launch("bias", storage.suffix(), extents.count(), extents.channels())
                .operand("y", y)
                .operand("x", operands.x())
                .operand("bias", operands.bias())
                .optional("residual", operands.residual())
                .int32(extents.count())
                .int32(extents.channels())
                .int32(then.ordinal())
                .block(Sizes.BLOCK);
    }

    /**
     * What {@link #bias} reads.
     *
     * @param x [rows,channels]
     * @param bias [channels], F32
     * @param residual [rows,channels], 0 for none
     */
    public record Biased(long x, long bias, long residual) {}

    /**
     * {@code y = [a, b]} along the last dimension.
     *
     * @param storage of all
     * @param y written, [rows,A+B]
     * @param a [rows,A]
     * @param b [rows,B]
     * @param extents rows, and the channels of {@code a}
     * @param channelsOfB B
     * @return the launch
     */
    public static KernelLaunch concat(
            Storage storage, long y, long a, long b, Extents extents, int channelsOfB) {
        Extents result =
                new Extents(extents.rows(), Math.addExact(extents.channels(), channelsOfB));
        return launch(
                        "concat",
                        storage.sizeSuffix(),
                        result.count(),
                        extents.channels(),
                        channelsOfB)
                .operand("y", y)
                .operand("a", a)
                .operand("b", b)
                .int32(extents.rows())
                .int32(extents.channels())
                .int32(channelsOfB)
                .block(Sizes.BLOCK);
    }

    /**
     * Columns of a matrix.
     *
     * @param from first
     * @param width how many
     */
    public record Range(int from, int width) {
        private void requireWithin(Extents extents) {
            if (from < 0 || width < 1 || from + width > extents.channels()) {
                throw new IllegalArgumentException(
                        "channels " + from + " to " + (from + width) + " of " + extents);
            }
        }
    }

    /**
     * {@code y = x[:, from : from + width]}; the gradient of {@link #concat} is two of these.
     *
     * @param storage of both
     * @param y written, [rows,width]
     * @param x [rows,channels]
     * @param extents sizes of x
     * @param range columns
     * @return the launch
     */
    public static KernelLaunch slice(
            Storage storage, long y, long x, Extents extents, Range range) {
        return part("slice", storage, extents.rows() * range.width(), y, x, extents, range);
    }

    /**
     * {@code y[:, from : from + width] = x}, 0 elsewhere: the gradient of {@link #slice}.
     *
     * @param storage of both
     * @param y written, [rows,channels]
     * @param x [rows,width]
     * @param extents sizes of y
     * @param range columns
     * @return the launch
     */
    public static KernelLaunch pad(Storage storage, long y, long x, Extents extents, Range range) {
        return part("pad", storage, extents.count(), y, x, extents, range);
    }

    private static KernelLaunch part(
            String op, Storage storage, long count, long y, long x, Extents extents, Range range) {
        range.requireWithin(extents);
        return launch(
                        op,
                        storage.sizeSuffix(),
                        count,
                        extents.channels(),
                        range.from(),
                        range.width())
                .operand("y", y)
                .operand("x", x)
                .int32(extents.rows())
                .int32(extents.channels())
                .int32(range.from())
                .int32(range.width())
                .block(Sizes.BLOCK);
    }

    private static KernelLaunch.Builder launch(
            String op, String suffix, long count, long... sizes) {
        return KernelLaunch.of(KernelModule.CHANNELS, "channels_" + op + "_" + suffix)
                .grid(Sizes.blocksOfVectors(count, sizes));
    }
}
