package dev.instaflow.sampler;

import java.util.Arrays;

/** The tables of a noise schedule, readable between labels as the published programs do it. */
final class DiffusionTime {
    private final double[] logAlphaBars;
    private final double[] sigmas;
    private final double[] logSigmas;

    DiffusionTime(NoiseSchedule schedule) {
        double[] alphaBars = schedule.alphaBars();
        logAlphaBars = Arrays.stream(alphaBars).map(Math::log).toArray();
        sigmas = Arrays.stream(alphaBars).map(a -> Math.sqrt((1 - a) / a)).toArray();
        logSigmas = Arrays.stream(sigmas).map(Math::log).toArray();
    }

    /** The noisiest label. */
    int lastLabel() {
        return sigmas.length - 1;
    }

    /** Linear in the logarithm between labels, as DPM-Solver's continuous schedule. */
    double alphaBar(double label) {
        return Math.exp(interpolate(logAlphaBars, label));
    }

    /** Linear between labels, as diffusers' Euler scheduler. */
    double sigma(double label) {
        return interpolate(sigmas, label);
    }

    /** The label of a noise level, linear in the logarithm, kept within the table: k-diffusion's. */
    double label(double sigma) {
        double log = Math.log(sigma);
        int high = 1;
        while (high < lastLabel() && logSigmas[high] <= log) {
            high++;
        }
        double share = (log - logSigmas[high - 1]) / (logSigmas[high] - logSigmas[high - 1]);
        return high - 1 + Math.min(1, Math.max(0, share));
    }

    private double interpolate(double[] table, double label) {
        int low = (int) Math.min(label, lastLabel() - 1.0);
        double share = label - low;
        return share == 0 ? table[low] : table[low] + share * (table[low + 1] - table[low]);
    }
}
