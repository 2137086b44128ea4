package dev.instaflow.train.evaluate.metric;

import dev.instaflow.backend.Backend;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Searches among many pictures, exactly. All distances are first had from matrix products, {@code |x - g|^2 =
 * |x|^2 + |g|^2 - 2 <x, g>}, which costs side * side * 4 multiplications a pair at the speed of the backend; where rounding
 * could change an answer, which is seldom, the distance is computed again in whole numbers. Not thread-safe.
 */
public final class NearestPictures implements AutoCloseable {
    private static final double HALF_ULP = 0x1p-24;

    private final Backend backend;
    private final List<Picture> pictures;
    private final Tensor matrix;
    private final long[] norms;

    private NearestPictures(Backend backend, List<Picture> pictures, Tensor matrix, long[] norms) {
        this.backend = backend;
        this.pictures = pictures;
        this.matrix = matrix;
        this.norms = norms;
    }

    /**
     * Brings pictures to a backend.
     *
     * @param backend computes; four bytes a number of each picture stay there until this is closed
     * @param pictures at least one, all of one side
     * @return to be closed by the caller
     */
    public static NearestPictures among(Backend backend, List<Picture> pictures) {
        Backend wide = backend.wideRange(); // the numbers go beyond half precision
        List<Picture> all = List.copyOf(pictures);
        int length = all.get(0).length();
        try {
            Tensor matrix =
                    wide.upload(
                            "pictures",
                            new WeightForm.Linear(),
                            Shape.of(all.size(), length),
                            values(all, length));
            long[] norms = all.stream().mapToLong(Picture::squaredNorm).toArray();
            return new NearestPictures(wide, all, matrix, norms);
        } catch (IOException e) {
            throw new IllegalStateException("pictures in memory cannot fail to be read", e);
        }
    }

    private static FloatSource values(List<Picture> pictures, int length) {
        return (first, target, offset, count) -> {
            for (int i = 0; i < count; i++) {
                long at = first + i;
                Picture picture = pictures.get((int) (at / length));
                target[offset + i] = picture.value((int) (at % length));
            }
        };
    }

    /**
     * The distances of some pictures to all of these.
     *
     * @param queries of the same side
     * @return one a query
     */
    public List<Distances> distances(List<Picture> queries) {
        int length = pictures.get(0).length();
        float[] rows = new float[Math.multiplyExact(queries.size(), length)];
        for (int i = 0; i < queries.size(); i++) {
            queries.get(i).copyTo(rows, i * length);
        }
        float[] products;
        try (Scope scope = backend.openScope("compare pictures")) {
            Tensor x = scope.ops().tensor("queries", Shape.of(queries.size(), length), rows);
            products = scope.ops().toArray(scope.ops().linear(x, matrix)); // [Q,G]
        }
        int count = pictures.size();
        return IntStream.range(0, queries.size())
                .mapToObj(i -> new Distances(queries.get(i), products, i * count))
                .toList();
    }

    /** The squared distances of one picture to all, exact where it matters. */
    public final class Distances {
        private final Picture query;
        private final float[] products;
        private final int offset;
        private final double norm;

        private Distances(Picture query, float[] products, int offset) {
            this.query = query;
            this.products = products;
            this.offset = offset;
            this.norm = query.squaredNorm();
        }

        /**
         * The distance to one picture.
         *
         * @param index of the picture
         * @return as {@link Picture#squaredDistance}
         */
        public long exact(int index) {
            long exact = query.squaredDistance(pictures.get(index));
            if (Math.abs(approximate(index) - exact) > error(index)) {
                throw new IllegalStateException(
                        "%s: a matrix product is less exact than F32 sums are; nearest pictures cannot be told there"
                                .formatted(backend.description()));
            }
            return exact;
        }

        private double approximate(int index) {
            return norm + norms[index] - 2.0 * products[offset + index];
        }

        /**
         * Whatever the order of its sums, a product of n terms in F32 is off by n half ulps of {@code sum
         * |x||g|} at most (Higham 2002, "Accuracy and Stability", 3.1), which is {@code |x||g|} at most. The 2 is that of 2
         * &lt;x, g&gt;; the small share more covers the terms of higher order and the doubles.
         */
        private double error(int index) {
            return 2.02 * query.length() * HALF_ULP * Math.sqrt(norm * norms[index]);
        }

        /**
         * Whether a picture is nearer than a distance.
         *
         * @param index of the picture
         * @param squared from {@link #exact}
         * @return true only if it is strictly nearer
         */
        public boolean isNearer(int index, long squared) {
            double approximate = approximate(index);
            double error = error(index);
            if (approximate + error < squared) {
                return true;
            }
            return approximate - error < squared && exact(index) < squared;
        }

        /**
         * The nearest of some pictures.
         *
         * @param candidates indices, at least one
         * @return the first of the nearest
         */
        public int nearest(int... candidates) {
            double bound = Double.POSITIVE_INFINITY;
            for (int candidate : candidates) {
                bound = Math.min(bound, approximate(candidate) + error(candidate));
            }
            int best = -1;
            long least = Long.MAX_VALUE;
            for (int candidate : candidates) {
                if (approximate(candidate) - error(candidate) <= bound) {
                    long squared = exact(candidate);
                    if (squared < least) {
                        best = candidate;
                        least = squared;
                    }
                }
            }
            return best;
        }

        /**
         * The picture that is looked for.
         *
         * @return the query
         */
        public Picture query() {
            return query;
        }
    }

    @Override
    public void close() {
        matrix.close();
    }
}
