package dev.instaflow.sampler;

/**
 * The counter-based generator Philox4x32-10. Salmon et al. 2011, "Parallel random numbers: as easy as
 * 1, 2, 3".
 */
final class Philox {
    private static final int ROUNDS = 10;
    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int KEY_STEP_0 = 0x9E3779B9;
    private static final int KEY_STEP_1 = 0xBB67AE85;

    private Philox() {}

    /**
     * Replaces a counter by its random words.
     *
     * @param words four words, counter in and random words out
     * @param key0 low word of the key
     * @param key1 high word of the key
     */
    static void scrambleInPlace(int[] words, int key0, int key1) {
        int k0 = key0;
        int k1 = key1;
        for (int round = 0; round < ROUNDS; round++) {
            long product0 = MULTIPLIER_0 * (words[0] & 0xFFFFFFFFL);
            long product1 = MULTIPLIER_1 * (words[2] & 0xFFFFFFFFL);
            int word0 = (int) (product1 >>> 32) ^ words[1] ^ k0;
            int word2 = (int) (product0 >>> 32) ^ words[3] ^ k1;
            words[0] = word0;
            words[1] = (int) product1;
            words[2] = word2;
            words[3] = (int) product0;
            k0 += KEY_STEP_0;
            k1 += KEY_STEP_1;
        }
    }
}
