package dev.instaflow.backend.reference;

/**
 * The error function in double, to about 1e-15: the Maclaurin series near 0, the continued fraction of
 * erfc elsewhere (Abramowitz and Stegun 7.1.5, 7.1.14).
 */
final class Erf {
    private static final double SERIES_LIMIT = 2.5;
    private static final double ONE_FROM = 6;
    private static final int FRACTION_TERMS = 60;

    private Erf() {}

    static double erf(double x) {
        double a = Math.abs(x);
        if (Double.isNaN(x)) {
            return x;
        }
        double value = a < SERIES_LIMIT ? series(a) : a < ONE_FROM ? 1 - erfcFraction(a) : 1;
        return x < 0 ? -value : value;
    }

    private static double series(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; Math.abs(term) > 1e-18; n++) {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.sqrt(Math.PI) * sum;
    }

    private static double erfcFraction(double x) {
        double fraction = x;
        for (int n = FRACTION_TERMS; n >= 1; n--) {
            fraction = x + n / 2.0 / fraction;
        }
        return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
    }
}
