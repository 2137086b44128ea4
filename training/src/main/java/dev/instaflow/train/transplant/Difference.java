package dev.instaflow.train.transplant;

import dev.instaflow.checkpoint.Entry;
import java.io.IOException;

/**
 * How one tensor differs from another of its shape.
 *
 * @param name its CompVis name
 * @param count of values
 * @param matrix whether it is a matrix or kernel; vectors such as a norm's scales are alike in strangers too
 * @param baseNorm Euclidean norm of the base
 * @param norm of the difference
 * @param cosine of the angle between both, 1 if both are zero
 */
record Difference(
        String name, long count, boolean matrix, double baseNorm, double norm, double cosine) {
    private static final int CHUNK = 1 << 15;

    /** Reads both once, piece by piece. */
    static Difference of(Entry base, Entry other) throws IOException {
        float[] a = new float[CHUNK];
        float[] b = new float[CHUNK];
        double aa = 0;
        double bb = 0;
        double ab = 0;
        double dd = 0;
        for (long first = 0; first < base.count(); first += CHUNK) {
            int length = (int) Math.min(CHUNK, base.count() - first);
            base.readFloats(first, a, 0, length);
            other.readFloats(first, b, 0, length);
            for (int i = 0; i < length; i++) {
                double difference = (double) b[i] - a[i];
                aa += (double) a[i] * a[i];
                bb += (double) b[i] * b[i];
                ab += (double) a[i] * b[i];
                dd += difference * difference;
            }
        }
        double product = Math.sqrt(aa) * Math.sqrt(bb);
        double cosine = product > 0 ? ab / product : aa == bb ? 1 : 0;
        return new Difference(
                base.name(),
                base.count(),
                base.shape().size() > 1,
                Math.sqrt(aa),
                Math.sqrt(dd),
                cosine);
    }

    boolean identical() {
        return norm == 0;
    }

    /** Relative to the base; infinite if that is zero and the other is not. */
    double distance() {
        return norm == 0 ? 0 : norm / baseNorm;
    }
}
