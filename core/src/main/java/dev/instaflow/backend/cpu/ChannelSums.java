package dev.instaflow.backend.cpu;

import dev.instaflow.ops.GroupNormSpec;
import java.util.Arrays;

/**
 * Mean and spread of each channel of {@code [P,C]} values, in one reading. Sums run in F32 over at most
 * {@link #ROWS} values and in F64 above that; the squares are of distances from the channel's first
 * value, so a mean far from 0 costs no precision. The parts and their order are fixed by the sizes, so
 * the result does not depend on the thread count.
 */
final class ChannelSums {
    /** F32 sums are folded into F64 after this many rows. */
    private static final int ROWS = 64;

    /** Neighbouring positions are read as one longer row, since short loops vectorise badly. */
    private static final int ROW_VALUES = 2048;

    private static final int MAX_PARTS = 16;
    private static final long PART_VALUES = 1 << 17;

    /** Values from which on waking other threads costs less than it saves: about 0.2 ms of one thread. */
    private static final long PARALLEL_FROM = 1 << 20;

    private final CpuEngine engine;
    private final Staging staging;
    private int c;
    private int rowValues;
    private int parts;
    private long positions;
    private double[] sums;
    private float[] origin;

    /** Works in arrays of that staging, which keeps it. */
    ChannelSums(CpuEngine engine, Staging staging) {
        this.engine = engine;
        this.staging = staging;
    }

    /**
     * Reads values [P,C] at an address.
     *
     * @return C means, then C sums of squared distances from them; in the doubles of the staging
     */
    double[] of(long address, long newPositions, int channels) {
        positions = newPositions;
        c = channels;
        rowValues = c * (int) Math.min(Math.max(1, ROW_VALUES / c), positions);
        parts = (int) Math.min(MAX_PARTS, Math.max(1, positions * c / PART_VALUES));
        sums = staging.doubles(parts * 2 * c);
        Arrays.fill(sums, 0, parts * 2 * c, 0);
        origin = staging.array(0, rowValues);
        staging.cursor.read(address, origin, c);
        for (int i = c; i < rowValues; i += c) {
            System.arraycopy(origin, 0, origin, i, c);
        }
        if (positions * c < PARALLEL_FROM) {
            for (int part = 0; part < parts; part++) {
                sum(address, part);
            }
        } else {
            engine.workers().run(parts, part -> sum(address, part));
        }
        return total();
    }

    private double[] total() {
        double[] total = sums;
        for (int from = 2 * c; from < parts * 2 * c; from += 2 * c) {
            for (int i = 0; i < 2 * c; i++) {
                total[i] += sums[from + i];
            }
        }
        for (int i = 0; i < c; i++) {
            double mean = total[i] / positions;
            total[c + i] = Math.max(0, total[c + i] - mean * total[i]);
            total[i] = mean + origin[i];
        }
        return total;
    }

    /** Sums of distances from the origin and of their squares, over one part of the positions. */
    private void sum(long address, int part) {
        long first = positions * part / parts * c;
        long last = positions * (part + 1) / parts * c;
        Staging own = engine.takeStaging();
        try {
            float[] values = own.array(0, rowValues);
            float[] sum = cleared(own.array(1, rowValues));
            float[] squares = cleared(own.array(2, rowValues));
            int rows = 0;
            for (long at = first; at < last; at += rowValues) {
                int length = (int) Math.min(rowValues, last - at);
                own.cursor.read(address + CpuStorage.bytesOf(at), values, length);
                accumulate(values, length, sum, squares);
                rows++;
                if (rows == ROWS || at + rowValues >= last) {
                    fold(sum, part * 2 * c);
                    fold(squares, part * 2 * c + c);
                    rows = 0;
                }
            }
        } finally {
            engine.give(own);
        }
    }

    private float[] cleared(float[] array) {
        Arrays.fill(array, 0, rowValues, 0);
        return array;
    }

    /** Every array is read from its start: C2 does not vectorise a loop with an offset. */
    private void accumulate(float[] values, int length, float[] sum, float[] squares) {
        float[] zero = origin;
        for (int i = 0; i < length; i++) {
            float distance = values[i] - zero[i];
            sum[i] += distance;
            squares[i] += distance * distance;
        }
    }

    /** Adds a row of sums to the channels it belongs to and clears it. */
    private void fold(float[] row, int offset) {
        for (int from = 0; from < rowValues; from += c) {
            for (int i = 0; i < c; i++) {
                sums[offset + i] += row[from + i];
            }
        }
        Arrays.fill(row, 0, rowValues, 0);
    }

    /**
     * Turns C means and C sums of squared distances, in place, into the mean and the reciprocal of the deviation
     * of each channel's group.
     */
    static void toGroups(GroupNormSpec spec, long positions, int c, double[] sums) {
        int width = c / spec.groups();
        for (int first = 0; first < c; first += width) {
            double mean = 0;
            for (int i = first; i < first + width; i++) {
                mean += sums[i] / width;
            }
            double squares = 0;
            for (int i = first; i < first + width; i++) {
                double distance = sums[i] - mean;
                squares += sums[c + i] + positions * distance * distance;
            }
            double norm = 1 / Math.sqrt(squares / positions / width + spec.eps());
            Arrays.fill(sums, first, first + width, mean);
            Arrays.fill(sums, c + first, c + first + width, norm);
        }
    }
}
