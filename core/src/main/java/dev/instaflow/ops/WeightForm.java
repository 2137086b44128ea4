package dev.instaflow.ops;

/** What a weight is used for, so that a backend can pack it once, at load, for that use. */
public sealed interface WeightForm {
    /** A vector or a table, read as it is: bias, gamma, beta, embeddings. */
    record Plain() implements WeightForm {}

    /** The matrix {@code [Out,In]} of {@link Ops#linear}. */
    record Linear() implements WeightForm {}

    /**
     * The kernel {@code [Co,Ci,K,K]} of {@link Ops#conv2d}.
     *
     * @param spec the convolution it will be used with
     * @param heightHint likely rows of the input, or 0; a hint for packing, never a limit
     * @param widthHint likely columns of the input, or 0
     */
    record Conv(ConvSpec spec, int heightHint, int widthHint) implements WeightForm {}

    /**
     * The kernel {@code [Co,Ci,3,3]} of {@link Ops#upsampleConv2d}.
     *
     * @param heightHint likely rows of the input, before it is doubled, or 0
     * @param widthHint likely columns of the input, or 0
     */
    record UpsampledConv(int heightHint, int widthHint) implements WeightForm {}

    /** Read as it is. */
    WeightForm PLAIN = new Plain();

    /** A matrix of {@link Ops#linear}. */
    WeightForm LINEAR = new Linear();
}
