package dev.instaflow.examples.cli;

import java.util.Locale;

/** How long long work will take, by what it has taken so far. */
final class TimeLeft {
    private static final long NANOS_A_SECOND = 1_000_000_000;
    private static final double LEAST_SHARE = 1e-3;

    private final long startNanos;
    private final double startFraction;

    /** @param startNanos of {@code System.nanoTime} */
    TimeLeft(long startNanos) {
        this(startNanos, 0);
    }

    /**
     * @param startNanos of {@code System.nanoTime}
     * @param startFraction what was done then
     */
    TimeLeft(long startNanos, double startFraction) {
        this.startNanos = startNanos;
        this.startFraction = startFraction;
    }

    /** A line with a bar and, as soon as it can be told, the time that is left. */
    String line(String what, double fraction, long nowNanos) {
        String left = "";
        double done = fraction - startFraction;
        if (done > LEAST_SHARE * (1 - startFraction)) {
            double nanos = (nowNanos - startNanos) * (1 - fraction) / done;
            long seconds = (long) Math.ceil(nanos / NANOS_A_SECOND);
            left =
                    String.format(
                            Locale.ROOT,
                            " %d:%02d:%02d left",
                            seconds / 3600,
                            seconds / 60 % 60,
                            seconds % 60);
        }
        return StatusLine.bar(fraction) + left + "  " + what;
    }
}
