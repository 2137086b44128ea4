package dev.instaflow.backend.cpu;

import java.util.Arrays;

/** Sampler arithmetic and checks in plain Java, tile by tile. */
final class Loops {
    /** Values from which on a check is shared among threads: about 0.1 ms of one. */
    private static final long PARALLEL_FROM = 1 << 20;

    private static final int PARTS = 16;

    private final CpuEngine engine;

    Loops(CpuEngine engine) {
        this.engine = engine;
    }

    /** {@code to = sum of factors[k] * values at from[k]}. */
    void combine(float[] factors, long[] from, long count, long to) {
        Staging staging = engine.takeStaging();
        try {
            float[] sum = staging.array(0, Staging.TILE);
            float[] values = staging.array(1, Staging.TILE);
            for (long at = 0; at < count; at += Staging.TILE) {
                int length = (int) Math.min(Staging.TILE, count - at);
                long offset = CpuStorage.bytesOf(at);
                Arrays.fill(sum, 0, length, 0);
                for (int k = 0; k < from.length; k++) {
                    staging.cursor.read(from[k] + offset, values, length);
                    addScaled(sum, factors[k], values, length);
                }
                staging.cursor.write(to + offset, sum, length);
            }
        } finally {
            engine.give(staging);
        }
    }

    private static void addScaled(float[] sum, float factor, float[] values, int length) {
        for (int i = 0; i < length; i++) {
            sum[i] += factor * values[i];
        }
    }

    /** Whether no value is infinite or no number. */
    boolean isFinite(long from, long count) {
        if (count < PARALLEL_FROM) {
            return isRangeFinite(from, count);
        }
        boolean[] finite = new boolean[PARTS];
        engine.workers()
                .run(
                        PARTS,
                        part -> {
                            long first = count * part / PARTS;
                            long last = count * (part + 1) / PARTS;
                            finite[part] =
                                    isRangeFinite(from + CpuStorage.bytesOf(first), last - first);
                        });
        for (boolean part : finite) {
            if (!part) {
                return false;
            }
        }
        return true;
    }

    private boolean isRangeFinite(long from, long count) {
        Staging staging = engine.takeStaging();
        try {
            float[] values = staging.array(0, Staging.TILE);
            float[] zeros = staging.array(1, Staging.TILE);
            int used = (int) Math.min(count, Staging.TILE);
            Arrays.fill(zeros, 0, used, 0);
            for (long at = 0; at < count; at += Staging.TILE) {
                int length = (int) Math.min(Staging.TILE, count - at);
                staging.cursor.read(from + CpuStorage.bytesOf(at), values, length);
                // 0 times a finite number is 0; anything else stays NaN in its place.
                addScaled(zeros, 0, values, length);
            }
            for (int i = 0; i < used; i++) {
                if (zeros[i] != 0) {
                    return false;
                }
            }
            return true;
        } finally {
            engine.give(staging);
        }
    }
}
