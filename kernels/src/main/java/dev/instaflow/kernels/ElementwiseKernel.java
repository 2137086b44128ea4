package dev.instaflow.kernels;

import java.util.Locale;

/** Element by element: sums, products, activations and their gradients. See {@code elementwise.cu}. */
public final class ElementwiseKernel {
    private ElementwiseKernel() {}

    /** Functions of two operands. */
    public enum Binary {
        /** {@code a + b}. */
        ADD,
        /** {@code a * b}. */
        MULTIPLY
    }

    /** Functions of one operand, which have a gradient. */
    public enum Unary {
        /** {@code x / (1 + exp(-x))}. */
        SILU,
        /** {@code x/2 (1 + erf(x/sqrt 2))}. */
        GELU,
        /** {@code x / (1 + exp(-1.702 x))}. */
        QUICKGELU;

        private String entry() {
            return "elementwise_" + name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * {@code y = f(a, b)}.
     *
     * @param storage of all three
     * @param f the function
     * @param y [count], may be an operand
     * @param a [count]
     * @param b [count]
     * @param count elements
     * @return the launch
     */
    public static KernelLaunch binary(
            Storage storage, Binary f, long y, long a, long b, long count) {
        String entry = "elementwise_" + f.name().toLowerCase(Locale.ROOT);
        return stream(storage, entry, count)
                .operand("y", y)
                .operand("a", a)
                .operand("b", b)
                .int32(count)
                .block(Sizes.BLOCK);
    }

    /**
     * {@code y = f(x)}.
     *
     * @param storage of both
     * @param f the function
     * @param y [count], may be {@code x}
     * @param x [count]
     * @param count elements
     * @return the launch
     */
    public static KernelLaunch unary(Storage storage, Unary f, long y, long x, long count) {
        return stream(storage, f.entry(), count)
                .operand("y", y)
                .operand("x", x)
                .int32(count)
                .block(Sizes.BLOCK);
    }

    /**
     * {@code dx = dy * f'(x)}.
     *
     * @param storage of all three
     * @param f the function
     * @param dx [count], may be {@code x} or {@code dy}
     * @param x [count]
     * @param dy [count]
     * @param count elements
     * @return the launch
     */
    public static KernelLaunch unaryGradient(
            Storage storage, Unary f, long dx, long x, long dy, long count) {
        return stream(storage, f.entry() + "_grad", count)
                .operand("dx", dx)
                .operand("x", x)
                .operand("dy", dy)
                .int32(count)
                .block(Sizes.BLOCK);
    }

    private static KernelLaunch.Builder stream(Storage storage, String entry, long count) {
        Sizes.requirePositive(entry + ": count", count);
        return KernelLaunch.of(KernelModule.ELEMENTWISE, entry + "_" + storage.suffix())
                .grid(Sizes.ceilDiv(count, (long) Sizes.BLOCK * storage.packSize()));
    }
}
