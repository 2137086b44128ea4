package dev.instaflow.sampler;

/**
 * The 32-bit Mersenne Twister with the standard initialisation. Matsumoto and Nishimura 1998,
 * "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random number generator".
 */
final class Mt19937 {
    private static final int SIZE = 624;
    private static final int SHIFT = 397;

    private final int[] state = new int[SIZE];
    private int position = SIZE;

    Mt19937(int seed) {
        state[0] = seed;
        for (int i = 1; i < SIZE; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
    }

    /** The next 32 bits. */
    int next32() {
        if (position == SIZE) {
            refill();
        }
        int y = state[position++];
        y ^= y >>> 11;
        y ^= (y << 7) & 0x9D2C5680;
        y ^= (y << 15) & 0xEFC60000;
        return y ^ (y >>> 18);
    }

    /** The next 64 bits: the first 32 drawn are the high ones, as in torch. */
    long next64() {
        long high = next32();
        return high << 32 | (next32() & 0xFFFFFFFFL);
    }

    private void refill() {
        for (int i = 0; i < SIZE; i++) {
            int y = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7FFFFFFF);
            int twist = (y & 1) == 0 ? 0 : 0x9908B0DF;
            state[i] = state[(i + SHIFT) % SIZE] ^ (y >>> 1) ^ twist;
        }
        position = 0;
    }
}
