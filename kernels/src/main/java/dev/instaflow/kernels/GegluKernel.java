package dev.instaflow.kernels;

/** {@code a * gelu(b)}, {@code [a, b] = x + bias}. Shazeer 2020, "GLU Variants Improve Transformer". See {@code geglu.cu}. */
public final class GegluKernel {
    private GegluKernel() {}

    /**
     * Sizes.
     *
     * @param storage of all but the bias
     * @param rows of all samples together
     * @param width F, half of the columns of x
     */
    public record Spec(Storage storage, int rows, int width) {
        /** Checks the sizes. */
        public Spec {
            Sizes.requirePositive("geglu: rows", rows);
            Sizes.requirePositive("geglu: elements", 2L * rows * width);
        }

        private KernelLaunch.Builder launch(String op) {
            return KernelLaunch.of(KernelModule.GEGLU, "geglu_" + op + "_" + storage.suffix())
                    .grid(Sizes.blocksOfVectors((long) rows * width, width));
        }
    }

    /**
     * What is gated.
     *
     * @param x [rows,2F]
     * @param bias [2F] F32, 0 for none
     */
    public record Input(long x, long bias) {}

    /**
     * The gated values.
     *
     * @param spec sizes
     * @param y written, [rows,F]
     * @param input read
     * @return the launch
     */
    public static KernelLaunch forward(Spec spec, long y, Input input) {
        return spec.launch("fwd")
                .operand("y", y)
                .operand("x", input.x())
                .optional("bias", input.bias())
                .int32(spec.rows())
                .int32(spec.width())
                .block(Sizes.BLOCK);
    }

    /**
     * The gradient of x; that of the bias is its sum over the rows.
     *
     * @param spec sizes
     * @param dx written, [rows,2F]; may be {@code x}
     * @param input of the forward pass
     * @param dy [rows,F]
     * @return the launch
     */
    public static KernelLaunch backward(Spec spec, long dx, Input input, long dy) {
        return spec.launch("bwd")
                .operand("dx", dx)
                .operand("x", input.x())
                .optional("bias", input.bias())
                .operand("dy", dy)
                .int32(spec.rows())
                .int32(spec.width())
                .block(Sizes.BLOCK);
    }
}
