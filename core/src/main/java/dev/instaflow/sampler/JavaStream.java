package dev.instaflow.sampler;

/**
 * The library's own stream, spelled out here so that it never changes with the JDK. State {@code s}
 * starts at {@code mix(seed)}; each draw adds 0x9E3779B97F4A7C15 to s and gives {@code mix(s)}, where
 * mix is SplitMix64's finaliser (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
 * generators", in Stafford's variant 13). Two draws give two uniforms {@code u = ((x >>> 11) + 1) *
 * 2^-53} in (0,1], and these {@code sqrt(-2 ln u1) cos(2 pi u2)}, then the same with sin. A pair that
 * is half used is finished by the next call. Logarithm, sine and cosine are those of {@link
 * StrictMath}, whose bits are specified.
 */
final class JavaStream implements NoiseStream {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    private long state;
    private double kept;
    private boolean hasKept;

    JavaStream(long seed) {
        state = mix(seed);
    }

    @Override
    public void fill(float[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) next();
        }
    }

    private double next() {
        if (hasKept) {
            hasKept = false;
            return kept;
        }
        double radius = StrictMath.sqrt(-2 * StrictMath.log(uniform()));
        double angle = 2 * Math.PI * uniform();
        kept = radius * StrictMath.sin(angle);
        hasKept = true;
        return radius * StrictMath.cos(angle);
    }

    private double uniform() {
        state += GAMMA;
        return ((mix(state) >>> 11) + 1) * 0x1p-53;
    }

    static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }
}
