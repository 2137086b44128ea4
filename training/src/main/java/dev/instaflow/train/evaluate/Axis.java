package dev.instaflow.train.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Numbers along a line, evenly or by their logarithms.
 *
 * @param low at the beginning of the line
 * @param high at its end, above {@code low}
 * @param scale how they are spread
 */
record Axis(double low, double high, Scale scale) {
    /** How numbers are spread along an axis. */
    enum Scale {
        /** Evenly. */
        LINEAR,
        /** By their logarithms; all are above 0. */
        LOGARITHMIC
    }

    private static final int TICKS = 5;
    private static final double WIDE = 20;

    /** By logarithms if the numbers are above 0 and range over more than a factor of 20. */
    static Axis over(double least, double most) {
        if (least > 0 && most / least > WIDE) {
            return new Axis(least, most, Scale.LOGARITHMIC);
        }
        double low = least > 0 ? 0 : least;
        return new Axis(low, most > low ? most : low + 1, Scale.LINEAR);
    }

    /** Where a number is, 0 at the beginning and 1 at the end. */
    double place(double number) {
        if (scale == Scale.LOGARITHMIC) {
            return Math.log(number / low) / Math.log(high / low);
        }
        return (number - low) / (high - low);
    }

    /** Round numbers on the line. */
    List<Double> ticks() {
        List<Double> ticks = new ArrayList<>();
        if (scale == Scale.LOGARITHMIC) {
            for (double decade = Math.pow(10, Math.floor(Math.log10(low)));
                    decade <= high;
                    decade *= 10) {
                for (double tick : new double[] {decade, 2 * decade, 5 * decade}) {
                    if (tick >= low && tick <= high) {
                        ticks.add(tick);
                    }
                }
            }
            return ticks;
        }
        double step = step();
        for (double i = Math.ceil(low / step); i * step <= high * (1 + 1e-9); i++) {
            ticks.add(i * step);
        }
        return ticks;
    }

    /** 1, 2 or 5 times a power of ten, so that there are about {@link #TICKS}. */
    private double step() {
        double raw = (high - low) / TICKS;
        double power = Math.pow(10, Math.floor(Math.log10(raw)));
        double digit = raw / power;
        return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    }

    /** A number as it stands at a tick: with as many digits as it takes, and no more. */
    static String label(double tick) {
        String text = String.format(Locale.ROOT, "%.6f", tick);
        return text.replaceAll("0+$", "").replaceAll("\\.$", "");
    }
}
