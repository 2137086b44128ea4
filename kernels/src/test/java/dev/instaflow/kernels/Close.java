package dev.instaflow.kernels;

/**
 * How far a result may be from the F64 reference: an absolute part for what F32 arithmetic cancels, and the rounding to storage.
 *
 * @param absolute for every element
 * @param relative to the magnitude of the expected value
 */
record Close(double absolute, double relative) {
    /** Half an ulp of F32, relative. */
    static final double F32_ROUNDING = 0x1p-24;

    /** An F32 result: some roundings of values of that magnitude. */
    static Close f32(double magnitude, int roundings) {
        return new Close(magnitude * roundings * F32_ROUNDING, 0);
    }

    /** The same, rounded once more to storage: half an ulp, or of the smallest subnormal. */
    Close storedAs(Storage storage) {
        return switch (storage) {
            case F32 -> this;
            case F16 -> new Close(absolute + 0x1p-25, relative + 0x1p-11);
            case BF16 -> new Close(absolute, relative + 0x1p-8);
        };
    }

    /** Fails with the worst element. NaN is close to NaN alone. */
    void check(String what, double[] expected, float[] actual) {
        if (expected.length != actual.length) {
            throw new AssertionError(
                    what + ": " + actual.length + " values, expected " + expected.length);
        }
        int worst = -1;
        double worstShare = 1;
        int count = 0;
        for (int i = 0; i < expected.length; i++) {
            double share =
                    Math.abs(actual[i] - expected[i])
                            / (absolute + relative * Math.abs(expected[i]));
            boolean same =
                    actual[i] == expected[i] || Double.isNaN(expected[i]) && Float.isNaN(actual[i]);
            if (!same && !(share <= 1)) {
                count++;
                if (worst < 0 || !(share <= worstShare)) {
                    worst = i;
                    worstShare = share;
                }
            }
        }
        if (worst >= 0) {
            throw new AssertionError(
                    what
                            + ": "
                            + count
                            + " of "
                            + expected.length
                            + " outside "
                            + this
                            + ", worst at "
                            + worst
                            + ": expected "
                            + expected[worst]
                            + ", got "
                            + actual[worst]);
        }
    }
}
