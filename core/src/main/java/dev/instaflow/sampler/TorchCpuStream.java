package dev.instaflow.sampler;

/**
 * {@code torch.randn} in float32 on a CPU generator, as torch 2.13 computes it. Fewer than 16 numbers
 * come from pairs in double precision, of which a second half waits for the next such call; from 16 on
 * blocks of 16 are made from 24-bit uniforms in float, and if the count is no multiple of 16 the last
 * 16 are drawn anew.
 */
final class TorchCpuStream implements NoiseStream {
    private static final int BLOCK = 16;
    private static final int HALF = BLOCK / 2;
    private static final float TWO_PI = (float) (2 * Math.PI);

    private final Mt19937 bits;
    private double kept;
    private boolean hasKept;

    TorchCpuStream(long seed) {
        bits = new Mt19937((int) seed);
    }

    @Override
    public void fill(float[] values) {
        int count = values.length;
        if (count < BLOCK) {
            for (int i = 0; i < count; i++) {
                values[i] = (float) single();
            }
            return;
        }
        for (int i = 0; i < count; i++) {
            values[i] = uniform();
        }
        for (int from = 0; from + BLOCK <= count; from += BLOCK) {
            transform(values, from);
        }
        if (count % BLOCK != 0) {
            int from = count - BLOCK;
            for (int i = from; i < count; i++) {
                values[i] = uniform();
            }
            transform(values, from);
        }
    }

    /** One number of the double-precision path. */
    double single() {
        if (hasKept) {
            hasKept = false;
            return kept;
        }
        double u1 = uniform64();
        double u2 = uniform64();
        double radius = Math.sqrt(-2 * StrictMath.log1p(-u2));
        double angle = 2 * Math.PI * u1;
        kept = radius * StrictMath.sin(angle);
        hasKept = true;
        return radius * StrictMath.cos(angle);
    }

    /** A number in [0,1), a multiple of 2^-24: {@code torch.rand} in float32. */
    float uniform() {
        return (bits.next32() & 0xFFFFFF) * 0x1p-24f;
    }

    /** A number in [0,1), a multiple of 2^-53: {@code torch.rand} in float64. */
    double uniform64() {
        return (bits.next64() & 0x1FFFFFFFFFFFFFL) * 0x1p-53;
    }

    /** The generator below, which other kinds of draws share with this one. */
    Mt19937 bits() {
        return bits;
    }

    // The angle is rounded to float before the cosine, as torch's AVX2 kernel does; its scalar
    // kernel
    // does not, so torch itself differs between machines by up to 2e-6.
    private static void transform(float[] values, int from) {
        for (int j = from; j < from + HALF; j++) {
            float u1 = 1 - values[j];
            float radius = (float) Math.sqrt(-2f * (float) StrictMath.log(u1));
            float angle = TWO_PI * values[j + HALF];
            values[j] = radius * (float) StrictMath.cos(angle);
            values[j + HALF] = radius * (float) StrictMath.sin(angle);
        }
    }
}
