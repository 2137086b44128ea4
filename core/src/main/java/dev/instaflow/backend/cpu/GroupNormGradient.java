package dev.instaflow.backend.cpu;

import dev.instaflow.ops.Activation;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.tensor.Shape;
import java.util.Arrays;

/**
 * Group norm backwards, the activation after it included: {@code dx = a dz + b (x - mean) + d}, where dz
 * is the gradient before the activation and a, b, d follow from the channels' sums of dz and of {@code dz
 * (x - mean)}. Java loops but for the activation, which oneDNN does for all samples at once.
 */
final class GroupNormGradient {
    /** Values from which on samples are shared among threads. */
    private static final long PARALLEL_FROM = 1 << 17;

    private final CpuEngine engine;
    private final ElementwiseGradient elementwise;

    GroupNormGradient(CpuEngine engine, ElementwiseGradient elementwise) {
        this.engine = engine;
        this.elementwise = elementwise;
    }

    /** Addresses of what goes in and comes out. */
    record Operands(long x, long gamma, long beta, long dy, long dx, long dgamma, long dbeta) {}

    /** All that the loops over one problem share. */
    private final class Run {
        final GroupNormSpec spec;
        final int n;
        final int c;
        final long positions;
        final int rowValues;
        final float[] gamma;
        final float[] beta;
        final double[][] means;
        final double[][] scales;
        final double[][] sums;

        Run(GroupNormSpec spec, Shape x, float[] gamma, float[] beta) {
            this.spec = spec;
            this.n = x.intSize(0);
            this.c = x.intSize(-1);
            this.positions = x.count() / n / c;
            this.rowValues = ChannelTotals.rowValues(positions, c);
            this.gamma = gamma;
            this.beta = beta;
            this.means = new double[n][];
            this.scales = new double[n][];
            this.sums = new double[n][];
        }

        long sample(int index) {
            return CpuStorage.bytesOf(index * positions * c);
        }

        void forSamples(Workers.Part part) {
            if (n * positions * c < PARALLEL_FROM) {
                for (int i = 0; i < n; i++) {
                    part.run(i);
                }
            } else {
                engine.workers().run(n, part);
            }
        }

        /** Mean and 1/deviation of each channel's group in one sample. */
        void statistics(int sample, long x) {
            Staging staging = engine.takeStaging();
            try {
                double[] channels = staging.channelSums().of(x, positions, c);
                ChannelSums.toGroups(spec, positions, c, channels);
                means[sample] = Arrays.copyOf(channels, c);
                scales[sample] = Arrays.copyOfRange(channels, c, 2 * c);
            } finally {
                engine.give(staging);
            }
        }

        /** {@code gamma * (x - mean) * scale + beta}, what the activation saw. */
        void normalised(int sample, long x, long z) {
            Staging staging = engine.takeStaging();
            try {
                float[] values = staging.array(0, rowValues);
                float[] factor = staging.array(1, rowValues);
                float[] shift = staging.array(2, rowValues);
                for (int i = 0; i < c; i++) {
                    factor[i] = (float) (gamma[i] * scales[sample][i]);
                    shift[i] = (float) (beta[i] - means[sample][i] * factor[i]);
                }
                spread(factor);
                spread(shift);
                for (long at = 0; at < positions * c; at += rowValues) {
                    int length = (int) Math.min(rowValues, positions * c - at);
                    staging.cursor.read(x + CpuStorage.bytesOf(at), values, length);
                    scaleShift(values, length, factor, shift);
                    staging.cursor.write(z + CpuStorage.bytesOf(at), values, length);
                }
            } finally {
                engine.give(staging);
            }
        }

        /** Repeats the first position over the row. */
        private void spread(float[] row) {
            for (int at = c; at < rowValues; at += c) {
                System.arraycopy(row, 0, row, at, c);
            }
        }

        /** The channels' sums of dz, then those of {@code dz (x - mean)}. */
        void sum(int sample, long x, long dz) {
            double[] total = new double[2 * c];
            Staging staging = engine.takeStaging();
            try {
                float[] mean = staging.array(0, rowValues);
                float[] values = staging.array(1, rowValues);
                float[] slopes = staging.array(2, rowValues);
                float[] sum = staging.array(3, rowValues);
                float[] products = staging.array(4, rowValues);
                Arrays.fill(sum, 0, rowValues, 0);
                Arrays.fill(products, 0, rowValues, 0);
                copy(means[sample], mean);
                int rows = 0;
                for (long at = 0; at < positions * c; at += rowValues) {
                    int length = (int) Math.min(rowValues, positions * c - at);
                    staging.cursor.read(x + CpuStorage.bytesOf(at), values, length);
                    staging.cursor.read(dz + CpuStorage.bytesOf(at), slopes, length);
                    accumulate(values, slopes, mean, length, sum, products);
                    if (++rows == ChannelTotals.ROWS || at + rowValues >= positions * c) {
                        ChannelTotals.fold(sum, rowValues, total, 0, c);
                        ChannelTotals.fold(products, rowValues, total, c, c);
                        rows = 0;
                    }
                }
            } finally {
                engine.give(staging);
            }
            // The float mean that was subtracted is not quite the mean.
            for (int i = 0; i < c; i++) {
                double rest = (float) means[sample][i] - means[sample][i];
                total[c + i] += rest * total[i];
            }
            sums[sample] = total;
        }

        private void copy(double[] channels, float[] row) {
            for (int i = 0; i < c; i++) {
                row[i] = (float) channels[i];
            }
            spread(row);
        }

        /** Turns dz into dx in place. */
        void finish(int sample, long x, long dx) {
            Staging staging = engine.takeStaging();
            try {
                float[] mean = staging.array(0, rowValues);
                float[] values = staging.array(1, rowValues);
                float[] slopes = staging.array(2, rowValues);
                float[] a = staging.array(3, rowValues);
                float[] b = staging.array(4, rowValues);
                float[] d = staging.array(5, rowValues);
                coefficients(sample, a, b, d);
                copy(means[sample], mean);
                spread(a);
                spread(b);
                spread(d);
                for (long at = 0; at < positions * c; at += rowValues) {
                    int length = (int) Math.min(rowValues, positions * c - at);
                    staging.cursor.read(x + CpuStorage.bytesOf(at), values, length);
                    staging.cursor.read(dx + CpuStorage.bytesOf(at), slopes, length);
                    combine(values, slopes, mean, length, a, b, d);
                    staging.cursor.write(dx + CpuStorage.bytesOf(at), slopes, length);
                }
            } finally {
                engine.give(staging);
            }
        }

        private void coefficients(int sample, float[] a, float[] b, float[] d) {
            double[] sum = sums[sample];
            int width = c / spec.groups();
            for (int first = 0; first < c; first += width) {
                double scale = scales[sample][first];
                double meanG = 0;
                double meanGx = 0;
                for (int i = first; i < first + width; i++) {
                    meanG += gamma[i] * sum[i] / positions / width;
                    meanGx += gamma[i] * sum[c + i] * scale / positions / width;
                }
                for (int i = first; i < first + width; i++) {
                    a[i] = (float) (scale * gamma[i]);
                    b[i] = (float) (-scale * scale * meanGx);
                    d[i] = (float) (-scale * meanG);
                }
            }
        }

        float[] dgamma() {
            float[] all = new float[c];
            for (int i = 0; i < c; i++) {
                double total = 0;
                for (int sample = 0; sample < n; sample++) {
                    total += sums[sample][c + i] * scales[sample][i];
                }
                all[i] = (float) total;
            }
            return all;
        }

        float[] dbeta() {
            float[] all = new float[c];
            for (int i = 0; i < c; i++) {
                double total = 0;
                for (int sample = 0; sample < n; sample++) {
                    total += sums[sample][i];
                }
                all[i] = (float) total;
            }
            return all;
        }
    }

    /** Gradients of the group norm of x [N,..,C]. */
    void run(GroupNormSpec spec, Shape x, Operands at) {
        int c = x.intSize(-1);
        Staging staging = engine.takeStaging();
        try {
            float[] gamma = new float[c];
            float[] beta = new float[c];
            staging.cursor.read(at.gamma, gamma, c);
            staging.cursor.read(at.beta, beta, c);
            Run run = new Run(spec, x, gamma, beta);
            run.forSamples(i -> run.statistics(i, at.x + run.sample(i)));
            beforeActivation(run, x.count(), at);
            run.forSamples(
                    i -> {
                        run.sum(i, at.x + run.sample(i), at.dx + run.sample(i));
                        run.finish(i, at.x + run.sample(i), at.dx + run.sample(i));
                    });
            staging.cursor.write(at.dgamma, run.dgamma(), c);
            staging.cursor.write(at.dbeta, run.dbeta(), c);
        } finally {
            engine.give(staging);
        }
    }

    /** Writes dz where dx will stand. */
    private void beforeActivation(Run run, long count, Operands at) {
        if (run.spec.then() == Activation.IDENTITY) {
            engine.copy(at.dy, at.dx, count);
            return;
        }
        MemoryPool.Block z = engine.pool().take(CpuStorage.bytesOf(count), "normalised values");
        try {
            run.forSamples(
                    i -> run.normalised(i, at.x + run.sample(i), z.address() + run.sample(i)));
            elementwise.activation(run.spec.then(), count, z.address(), at.dy, at.dx);
        } finally {
            engine.pool().give(z);
        }
    }

    private static void scaleShift(float[] values, int length, float[] factor, float[] shift) {
        for (int i = 0; i < length; i++) {
            values[i] = values[i] * factor[i] + shift[i];
        }
    }

    private static void accumulate(
            float[] x, float[] dz, float[] mean, int length, float[] sum, float[] products) {
        for (int i = 0; i < length; i++) {
            sum[i] += dz[i];
            products[i] += dz[i] * (x[i] - mean[i]);
        }
    }

    private static void combine(
            float[] x, float[] dz, float[] mean, int length, float[] a, float[] b, float[] d) {
        for (int i = 0; i < length; i++) {
            dz[i] = a[i] * dz[i] + b[i] * (x[i] - mean[i]) + d[i];
        }
    }
}
