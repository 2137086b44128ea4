package dev.instaflow.sampler;

import java.util.Arrays;

/**
 * Builds the grids, by the rules of diffusers 0.21.4 with {@code steps_offset=1} for {@link
 * StepSpacing#LEADING} and 0 otherwise. Where those rules repeat a label or leave the table, which
 * they do for some N near the number of training steps, they are replaced as said below; there are
 * always exactly N steps.
 */
final class Grids {
    private static final double KARRAS_RHO = 7;
    // 0.29 * 100 is 28.999999999999996 in floating point: still 29 steps.
    private static final double ROUNDING = 1e-9;

    private Grids() {}

    /** How many of the last steps an image start of this strength runs. */
    static int stepsAt(double strength, int steps) {
        return (int) Math.floor(strength * steps + ROUNDING);
    }

    /** Times from {@code 1 - strength} to 1. */
    static Grid flow(TimeLabelRule rule, int steps, double strength) {
        int n = Math.max(1, stepsAt(strength, steps));
        double from = 1 - strength;
        double[] labels = new double[n + 1];
        NoiseLevel[] levels = new NoiseLevel[n + 1];
        for (int i = 0; i <= n; i++) {
            double time = i == n ? 1 : from + strength * i / n;
            levels[i] = NoiseLevel.flow(time);
            // A network that starts at 0.001 sees its times squeezed into the rest, as in its
            // program.
            labels[i] = rule.label(i == n ? 1 : rule.firstTime() + time * (1 - rule.firstTime()));
        }
        return new Grid(labels, levels, 1);
    }

    /** For DDIM and PLMS: whole labels, ending at the least noisy level of the table. */
    static Grid variancePreserving(DiffusionTime time, StepSpacing spacing, int steps) {
        double[] labels = spread(time, spacing, steps);
        if (spacing == StepSpacing.LINSPACE) {
            Arrays.setAll(labels, i -> Math.rint(labels[i]));
        }
        return variancePreserving(time, labels);
    }

    /** For DPM-Solver++: N+1 labels down to 0, of which the last is the end. */
    static Grid dpmSolver(DiffusionTime time, StepSpacing spacing, SigmaSpacing sigmas, int steps) {
        double[] labels =
                sigmas == SigmaSpacing.KARRAS
                        ? dpmKarrasLabels(time, steps)
                        : dpmLabels(time, spacing, steps);
        return variancePreserving(time, labels);
    }

    /** For the sigma samplers: levels with signal 1, ending at no noise. */
    static Grid varianceExploding(
            DiffusionTime time, StepSpacing spacing, SigmaSpacing spaced, int steps) {
        double[] labels = spread(time, spacing, steps);
        double[] sigmas = Arrays.stream(labels).limit(steps).map(time::sigma).toArray();
        if (spaced == SigmaSpacing.KARRAS) {
            sigmas = karras(sigmas[0], sigmas[steps - 1], steps);
            for (int i = 0; i < steps; i++) {
                labels[i] = time.label(sigmas[i]);
            }
        }
        NoiseLevel[] levels = new NoiseLevel[steps + 1];
        for (int i = 0; i < steps; i++) {
            levels[i] = NoiseLevel.varianceExploding(sigmas[i]);
        }
        levels[steps] = NoiseLevel.CLEAN;
        // diffusers' init_noise_sigma.
        double scale = spacing == StepSpacing.LEADING ? levels[0].standardDeviation() : sigmas[0];
        return new Grid(labels, levels, scale);
    }

    private static Grid variancePreserving(DiffusionTime time, double[] labels) {
        NoiseLevel[] levels =
                Arrays.stream(labels)
                        .mapToObj(label -> NoiseLevel.variancePreserving(time.alphaBar(label)))
                        .toArray(NoiseLevel[]::new);
        return new Grid(labels, levels, 1);
    }

    /** N labels and the end's, 0. */
    private static double[] spread(DiffusionTime time, StepSpacing spacing, int steps) {
        int count = checkedCount(time, steps);
        int last = time.lastLabel();
        double[] labels = new double[steps + 1];
        for (int i = 0; i < steps; i++) {
            labels[i] =
                    switch (spacing) {
                        case LEADING -> leading(last, count / steps, steps - 1, steps - 1 - i);
                        case LINSPACE -> linspace(last, steps - 1, steps - 1 - i);
                        case TRAILING -> Math.rint(count - i * ((double) count / steps)) - 1;
                        case CONTINUOUS -> last * (1 - (double) i / steps);
                    };
        }
        return labels;
    }

    /** A multiple of the stride plus 1; the 1 is left out if the largest would leave the table. */
    private static double leading(int last, int stride, int largest, int multiple) {
        int offset = largest * stride + 1 <= last ? 1 : 0;
        return multiple * stride + offset;
    }

    /** Value k of numpy's {@code linspace(0, last, parts + 1)}, bit for bit: halves get rounded. */
    private static double linspace(int last, int parts, int k) {
        if (parts == 0) {
            return 0;
        }
        return k == parts ? last : k * ((double) last / parts);
    }

    private static double[] dpmLabels(DiffusionTime time, StepSpacing spacing, int steps) {
        int last = checkedCount(time, steps) - 1;
        double[] continuous = spread(time, StepSpacing.CONTINUOUS, steps);
        double[] labels =
                spacing == StepSpacing.TRAILING
                        ? spread(time, StepSpacing.TRAILING, steps)
                        : continuous.clone();
        if (spacing == StepSpacing.LEADING) {
            int stride = Math.max(1, (last + 1) / (steps + 1));
            for (int i = 0; i < steps; i++) {
                labels[i] = leading(last, stride, steps, steps - i);
            }
        } else if (spacing == StepSpacing.LINSPACE) {
            Arrays.setAll(labels, i -> Math.rint(linspace(last, steps, steps - i)));
        }
        return fallsWithin(labels, last) ? labels : continuous;
    }

    /** Whole labels, as diffusers rounds them, unless that makes two of them the same. */
    private static double[] dpmKarrasLabels(DiffusionTime time, int steps) {
        int last = checkedCount(time, steps) - 1;
        double[] sigmas =
                steps == 1
                        ? new double[] {time.sigma(0)}
                        : karras(time.sigma(last), time.sigma(0), steps);
        double[] exact = new double[steps + 1];
        for (int i = 0; i < steps; i++) {
            exact[i] = time.label(sigmas[i]);
        }
        double[] labels = Arrays.stream(exact).map(Math::rint).toArray();
        return fallsWithin(labels, last) ? labels : exact;
    }

    private static double[] karras(double from, double to, int steps) {
        double start = Math.pow(from, 1 / KARRAS_RHO);
        double end = Math.pow(to, 1 / KARRAS_RHO);
        double[] sigmas = new double[steps];
        for (int i = 0; i < steps; i++) {
            sigmas[i] = Math.pow(start + (end - start) * i / (steps - 1), KARRAS_RHO);
        }
        // The ends exactly, not through the seventh power of a seventh root.
        sigmas[steps - 1] = to;
        sigmas[0] = from;
        return sigmas;
    }

    /** Whether all labels but the end's fall and lie in the table. */
    private static boolean fallsWithin(double[] labels, int last) {
        boolean falls = labels[0] <= last;
        for (int i = 1; i < labels.length - 1; i++) {
            falls &= labels[i] < labels[i - 1];
        }
        return falls;
    }

    private static int checkedCount(DiffusionTime time, int steps) {
        int count = time.lastLabel() + 1;
        if (steps > count) {
            throw new IllegalArgumentException(
                    "%d steps of a model with %d training steps".formatted(steps, count));
        }
        return count;
    }
}
