package dev.instaflow.train;

import dev.instaflow.sampler.NoiseSource;

/**
 * Random numbers of one purpose at one step: a function of three numbers, so that a resumed run has no
 * generator to restore. SplitMix64 (Steele, Lea and Flood 2014), its seed mixed from the three. Not
 * thread-safe.
 */
public final class RandomStream {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    /** What numbers are drawn for; each has a stream of its own. */
    public enum Purpose {
        /** The order of the examples in an epoch. */
        ORDER,
        /** Which of an example's captions, and whether it is dropped. */
        CAPTION,
        /** The noise that latents are mixed with. */
        NOISE,
        /** Times or labels. */
        TIME,
        /** Where new parameters start. */
        INITIAL,
        /** Which latent an encoder's distribution gives. */
        POSTERIOR
    }

    private long state;

    private RandomStream(long state) {
        this.state = state;
    }

    /**
     * A stream from its beginning.
     *
     * @param seed of the run
     * @param purpose what for
     * @param index the step, epoch or pass
     * @return always the same numbers for the same arguments
     */
    public static RandomStream of(long seed, Purpose purpose, long index) {
        return new RandomStream(mix(mix(mix(seed) + purpose.ordinal() + 1) + index));
    }

    private static long mix(long z) {
        long a = (z + GAMMA ^ (z + GAMMA) >>> 30) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ a >>> 27) * 0x94D049BB133111EBL;
        return b ^ b >>> 31;
    }

    private long next() {
        state += GAMMA;
        return mix(state);
    }

    /**
     * A number in [0,1).
     *
     * @return a multiple of 2^-53
     */
    public double uniform() {
        return (next() >>> 11) * 0x1p-53;
    }

    /**
     * A whole number.
     *
     * @param bound above 0
     * @return in [0,bound), off uniform by less than bound * 2^-53
     */
    public int index(int bound) {
        return (int) (uniform() * bound);
    }

    /**
     * Normal numbers of mean 0 and variance 1, from {@link NoiseSource#JAVA}.
     *
     * @param count at least 0
     * @return a fresh array
     */
    public float[] normals(int count) {
        return NoiseSource.JAVA.stream(next()).normals(count);
    }

    /**
     * The numbers below a bound in random order.
     *
     * @param count at least 0
     * @return a fresh array
     */
    public int[] permutation(int count) {
        int[] order = new int[count];
        for (int i = 0; i < count; i++) {
            int j = index(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }
}
