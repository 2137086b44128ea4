package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/**
 * What this machine reaches at best, in a process of its own: matrix products of 2048 rows, inputs and
 * outputs, F32, on our CPU backend. {@code PeakRun THREADS} prints 10^9 additions and multiplications a
 * second.
 */
public final class PeakRun {
    /** What the line with the result begins with: native libraries print too. */
    static final String MARK = "peak ";

    private static final int SIZE = 2048;
    private static final double FLOP = 2.0 * SIZE * SIZE * SIZE;

    /** Long enough for a processor to leave its idle frequency and for one undisturbed product. */
    private static final long NANOS = TimeUnit.SECONDS.toNanos(4);

    private PeakRun() {}

    /**
     * Measures and prints.
     *
     * @param args the number of threads
     * @throws IOException never: the weights are on the heap
     */
    public static void main(String... args) throws IOException {
        System.out.println(MARK + gflopPerSecond(Integer.parseInt(args[0])));
    }

    private static double gflopPerSecond(int threads) throws IOException {
        Shape shape = Shape.of(SIZE, SIZE);
        float[] values = new float[SIZE * SIZE];
        for (int i = 0; i < values.length; i++) {
            values[i] = i % 7 - 3;
        }
        try (Backend backend = Engines.open(Engines.OURS, threads);
                Tensor weight =
                        backend.upload("weight", WeightForm.LINEAR, shape, FloatSource.of(values));
                Scope scope = backend.openScope("peak")) {
            Tensor x = scope.ops().tensor("x", shape, values);
            long best = Long.MAX_VALUE;
            for (long end = System.nanoTime() + NANOS; System.nanoTime() < end; ) {
                best = Math.min(best, nanos(scope.ops(), x, weight));
            }
            return FLOP / best;
        }
    }

    private static long nanos(Ops outer, Tensor x, Tensor weight) {
        try (Scope scope = outer.openScope()) {
            long start = System.nanoTime();
            scope.ops().linear(x, weight);
            return System.nanoTime() - start;
        }
    }
}
