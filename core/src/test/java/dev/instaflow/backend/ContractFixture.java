package dev.instaflow.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * Runs a program on a backend and on plain loops in F64, with the same random inputs, and compares. A
 * leak of the backend is a failure.
 */
public abstract class ContractFixture {
    /** Unit round-off of F32. */
    static final double EPS = Math.pow(2, -24);

    /** Element-wise results: a few roundings of values below about 10. */
    static final double ELEMENTWISE = 1e-5;

    Backend backend;
    ReferenceBackend reference;
    final Random random = new Random(42);
    private final List<Tensor> weights = new ArrayList<>();

    /** A fresh backend; closed after the test, when nothing may be alive. */
    protected abstract Backend createBackend();

    @BeforeEach
    void open() {
        backend = createBackend();
        reference = new ReferenceBackend(ReferenceBackend.Precision.F64);
    }

    @AfterEach
    void closeWithoutLeaks() {
        weights.forEach(Tensor::close);
        reference.close();
        backend.close();
    }

    /** One computation, written against Ops, run on both backends. */
    interface Program {
        Tensor run(Fixture fixture);
    }

    /** Hands out the same random tensors and weights on whichever backend runs. */
    final class Fixture {
        final Ops ops;
        private final Backend on;
        private final Random values;

        Fixture(Backend on, Ops ops, long seed) {
            this.on = on;
            this.ops = ops;
            this.values = new Random(seed);
        }

        float[] floats(long count) {
            float[] all = new float[Math.toIntExact(count)];
            for (int i = 0; i < all.length; i++) {
                all[i] = (float) values.nextGaussian();
            }
            return all;
        }

        Tensor random(long... sizes) {
            Shape shape = Shape.of(sizes);
            return ops.tensor("x", shape, floats(shape.count()));
        }

        Tensor weight(WeightForm form, long... sizes) {
            Shape shape = Shape.of(sizes);
            try {
                Tensor weight = on.upload("w", form, shape, FloatSource.of(floats(shape.count())));
                weights.add(weight);
                return weight;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    /** What a backend's results are rounded to; F32 means that the tolerances of the tests hold as they are. */
    protected ReferenceBackend.Precision storage() {
        return ReferenceBackend.Precision.F32;
    }

    /**
     * Twice the error of plain loops that round each result to the narrow type, and one unit in the last place of the largest
     * value, or of 1: inputs are unit normals, and what a bias cancels may have been rounded before. Beside them what is allowed
     * in F32, where sums are no better.
     */
    private double allowed(
            String what, double tolerance, float[] expected, Program program, long seed) {
        if (storage() == ReferenceBackend.Precision.F32) {
            return tolerance;
        }
        double error = 0;
        double largest = 1;
        try (ReferenceBackend narrow = new ReferenceBackend(storage());
                Scope scope = narrow.openScope(what)) {
            List<Tensor> before = List.copyOf(weights);
            float[] rounded =
                    scope.ops().toArray(program.run(new Fixture(narrow, scope.ops(), seed)));
            for (int i = 0; i < expected.length; i++) {
                error = Math.max(error, Math.abs((double) rounded[i] - expected[i]));
                largest = Math.max(largest, Math.abs(expected[i]));
            }
            weights.stream().filter(each -> !before.contains(each)).forEach(Tensor::close);
        }
        int bits = storage() == ReferenceBackend.Precision.F16 ? 10 : 7;
        return tolerance + 2 * error + Math.scalb(largest, -bits);
    }

    final void check(String what, double f32Tolerance, Program program) {
        long seed = random.nextLong();
        float[] expected;
        Shape expectedShape;
        try (Scope scope = reference.openScope(what)) {
            Tensor y = program.run(new Fixture(reference, scope.ops(), seed));
            expected = scope.ops().toArray(y);
            expectedShape = y.shape();
        }
        double tolerance = allowed(what, f32Tolerance, expected, program, seed);
        try (Scope scope = backend.openScope(what)) {
            Tensor y = program.run(new Fixture(backend, scope.ops(), seed));
            assertEquals(expectedShape, y.shape(), what);
            TensorAssert.close(what + " seed " + seed, scope.ops().toArray(y), expected, tolerance);
        }
    }

    /**
     * A sum of {@code terms} products of unit normals: rms sqrt(terms), and rounding grows like the
     * longest chain of partial sums in the worst case; 8 sqrt(terms) bounds each partial sum.
     */
    static double sumTolerance(long terms) {
        return 8 * Math.sqrt(terms) * EPS * Math.max(16, Math.sqrt(terms) * 4);
    }
}
