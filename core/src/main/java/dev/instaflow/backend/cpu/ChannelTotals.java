package dev.instaflow.backend.cpu;

import java.util.Arrays;

/**
 * The sum of each channel over the positions of samples [N,P,C]. Sums run in F32 over at most {@link
 * #ROWS} rows and in F64 above that; parts and their order are fixed by the sizes.
 */
final class ChannelTotals {
    /** F32 sums are folded into F64 after this many rows. */
    static final int ROWS = 64;

    /** Neighbouring positions are read as one longer row, since short loops vectorise badly. */
    private static final int ROW_VALUES = 2048;

    private static final int MAX_PARTS = 16;
    private static final long PART_VALUES = 1 << 16;

    private final CpuEngine engine;

    ChannelTotals(CpuEngine engine) {
        this.engine = engine;
    }

    /** Values of a row of whole positions, for loops that vectorise. */
    static int rowValues(long positions, int c) {
        return c * (int) Math.min(Math.max(1, ROW_VALUES / c), positions);
    }

    /** Adds a row of sums to the channels it belongs to and clears it. */
    static void fold(float[] row, int length, double[] total, int offset, int c) {
        for (int from = 0; from < length; from += c) {
            for (int i = 0; i < c; i++) {
                total[offset + i] += row[from + i];
            }
        }
        Arrays.fill(row, 0, length, 0);
    }

    /** Writes [N,C]. */
    void run(long n, long positions, int c, long from, long to) {
        int parts = 1;
        if (n == 1) {
            long wanted = positions * c / PART_VALUES;
            parts = (int) Math.min(Math.min(MAX_PARTS, positions), Math.max(1, wanted));
        }
        double[][] sums = new double[Math.toIntExact(n * parts)][];
        int perSample = parts;
        Workers.Part sum =
                part -> {
                    long sample = part / perSample * positions;
                    long first = sample + positions * (part % perSample) / perSample;
                    long last = sample + positions * (part % perSample + 1) / perSample;
                    sums[part] = sum(from + CpuStorage.bytesOf(first * c), last - first, c);
                };
        if (n * positions * c < PART_VALUES * 2) {
            for (int part = 0; part < sums.length; part++) {
                sum.run(part);
            }
        } else {
            engine.workers().run(sums.length, sum);
        }
        write(sums, parts, c, to);
    }

    private void write(double[][] sums, int parts, int c, long to) {
        Staging staging = engine.takeStaging();
        try {
            float[] row = staging.array(0, c);
            for (int sample = 0; sample < sums.length / parts; sample++) {
                for (int i = 0; i < c; i++) {
                    double sum = 0;
                    for (int part = 0; part < parts; part++) {
                        sum += sums[sample * parts + part][i];
                    }
                    row[i] = (float) sum;
                }
                staging.cursor.write(to + CpuStorage.bytesOf((long) sample * c), row, c);
            }
        } finally {
            engine.give(staging);
        }
    }

    private double[] sum(long from, long positions, int c) {
        int rowValues = rowValues(positions, c);
        double[] total = new double[c];
        Staging staging = engine.takeStaging();
        try {
            float[] values = staging.array(0, rowValues);
            float[] sum = staging.array(1, rowValues);
            Arrays.fill(sum, 0, rowValues, 0);
            int rows = 0;
            for (long at = 0; at < positions * c; at += rowValues) {
                int length = (int) Math.min(rowValues, positions * c - at);
                staging.cursor.read(from + CpuStorage.bytesOf(at), values, length);
                add(values, length, sum);
                if (++rows == ROWS) {
                    fold(sum, rowValues, total, 0, c);
                    rows = 0;
                }
            }
            fold(sum, rowValues, total, 0, c);
        } finally {
            engine.give(staging);
        }
        return total;
    }

    private static void add(float[] values, int length, float[] sum) {
        for (int i = 0; i < length; i++) {
            sum[i] += values[i];
        }
    }
}
