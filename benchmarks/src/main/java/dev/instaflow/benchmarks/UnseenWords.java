package dev.instaflow.benchmarks;

/** Texts of ten words of eight letters, of which none comes twice in any run that ends. */
final class UnseenWords {
    private static final int WORDS = 10;
    private static final int LETTERS = 8;
    private static final int ALPHABET = 26;

    /** Odd and of no pattern in base 26, so that neighbours share no beginning. */
    private static final long STRIDE = 123_456_789_011L;

    private static final long ALL = (long) Math.pow(ALPHABET, LETTERS);

    private long counter;

    String next() {
        StringBuilder text = new StringBuilder(WORDS * (LETTERS + 1));
        for (int w = 0; w < WORDS; w++) {
            counter = (counter + STRIDE) % ALL;
            long rest = counter;
            for (int i = 0; i < LETTERS; i++) {
                text.append((char) ('a' + rest % ALPHABET));
                rest /= ALPHABET;
            }
            text.append(' ');
        }
        return text.toString();
    }
}
