package dev.instaflow.kernels;

import java.util.List;

/** Sums of up to four tensors with coefficients: guidance and the samplers' updates. See {@code combine.cu}. */
public final class CombineKernel {
    /** Terms that one launch takes; more are added with the result so far as a term. */
    public static final int MAX_TERMS = 4;

    private CombineKernel() {}

    /**
     * A tensor and its coefficient.
     *
     * @param coefficient for all of it
     * @param x address, [count]
     */
    public record Term(float coefficient, long x) {}

    /**
     * {@code y = sum of coefficient * x}, the same coefficients for all elements.
     *
     * @param storage of all
     * @param y written, [count]; may be a term
     * @param terms one to {@link #MAX_TERMS}
     * @param count elements
     * @return the launch
     */
    public static KernelLaunch uniform(Storage storage, long y, List<Term> terms, long count) {
        KernelLaunch.Builder launch =
                launch("uniform", storage, y, terms.stream().map(Term::x).toList(), count);
        for (int k = 0; k < MAX_TERMS; k++) {
            launch.float32(k < terms.size() ? terms.get(k).coefficient() : 0);
        }
        return launch.int32(count).block(Sizes.BLOCK);
    }

    /**
     * Classifier-free guidance, {@code y = negative + scale * (positive - negative)}, of a network's output for both.
     *
     * @param storage of all
     * @param y written, [count]
     * @param both [2,count], negative first
     * @param scale of the guidance
     * @param count elements of one half
     * @return the launch
     */
    public static KernelLaunch guidance(
            Storage storage, long y, long both, float scale, long count) {
        long positive = Math.addExact(both, count * storage.sizeBytes());
        return uniform(
                storage, y, List.of(new Term(1 - scale, both), new Term(scale, positive)), count);
    }

    /**
     * Samples with coefficients of their own.
     *
     * @param n samples
     * @param inner elements of a sample
     */
    public record Samples(int n, long inner) {}

    /**
     * {@code y[n] = sum over k of coefficients[k,n] * x_k[n]}.
     *
     * @param storage of all but the coefficients
     * @param y written, [n,inner]; may be a term
     * @param xs addresses of one to {@link #MAX_TERMS} terms, [n,inner]
     * @param coefficients [terms,n], F32
     * @param samples sizes
     * @return the launch
     */
    public static KernelLaunch each(
            Storage storage, long y, List<Long> xs, long coefficients, Samples samples) {
        long count = Math.multiplyExact(samples.n(), samples.inner());
        return launch("each", storage, y, xs, count)
                .operand("coefficients", coefficients)
                .int32(samples.n())
                .int32(count)
                .int32(samples.inner())
                .block(Sizes.BLOCK);
    }

    private static KernelLaunch.Builder launch(
            String op, Storage storage, long y, List<Long> xs, long count) {
        Sizes.requirePositive("combine: count", count);
        if (xs.isEmpty() || xs.size() > MAX_TERMS) {
            throw new IllegalArgumentException(
                    "combine of " + xs.size() + " terms, expected 1 to " + MAX_TERMS);
        }
        KernelLaunch.Builder launch =
                KernelLaunch.of(KernelModule.COMBINE, "combine_" + op + "_" + storage.suffix())
                        .grid(Sizes.ceilDiv(count, (long) Sizes.BLOCK * storage.packSize()))
                        .element("y", y, storage.sizeBytes());
        for (int k = 0; k < MAX_TERMS; k++) {
            if (k < xs.size()) {
                launch.element("x" + k, xs.get(k), storage.sizeBytes());
            } else {
                launch.optional("x" + k, 0);
            }
        }
        return launch;
    }
}
