package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;

/**
 * An engine with an open scope and seeded inputs, for the benchmarks of single operations. Inputs are kept
 * on the heap too, so that a sample of the result can be checked against plain loops in F64.
 */
final class OpFixture implements AutoCloseable {
    private static final long SEED = 20260501;

    /** A tensor and the values it was made of. */
    record Input(Tensor tensor, float[] values) {}

    private final Backend backend;
    private final Scope scope;
    private final Random random = new Random(SEED);
    private final List<Tensor> weights = new ArrayList<>();

    OpFixture(String engine) {
        backend = Engines.open(engine);
        scope = backend.openScope("benchmark");
    }

    Ops ops() {
        return scope.ops();
    }

    /** Computes and frees the result: what is timed. */
    Tensor inScope(Function<Ops, Tensor> operation) {
        try (Scope inner = scope.ops().openScope()) {
            Tensor result = operation.apply(inner.ops());
            if (backend instanceof Deferred deferred) {
                deferred.compute(result);
            }
            return result;
        }
    }

    /** Unit normals. */
    Input input(long... sizes) {
        Shape shape = Shape.of(sizes);
        float[] values = normals(shape, 1);
        return new Input(scope.ops().tensor("x", shape, values), values);
    }

    /** Normals of the given deviation, packed for their use. */
    Input weight(WeightForm form, double deviation, long... sizes) {
        Shape shape = Shape.of(sizes);
        float[] values = normals(shape, deviation);
        Tensor weight = upload(backend, form, shape, values);
        weights.add(weight);
        return new Input(weight, values);
    }

    private float[] normals(Shape shape, double deviation) {
        float[] values = new float[Math.toIntExact(shape.count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return values;
    }

    private static Tensor upload(Backend on, WeightForm form, Shape shape, float[] values) {
        try {
            return on.upload("w", form, shape, FloatSource.of(values));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The part of a computation that is repeated in plain loops. */
    interface Sample {
        /**
         * Computes what is expected.
         *
         * @param ops of the reference
         * @param upload brings weights to it
         * @return any shape
         */
        Tensor run(Ops ops, Upload upload);
    }

    /** Brings values to the reference. */
    interface Upload {
        /**
         * Makes a weight.
         *
         * @param form what for
         * @param shape as many elements as {@code values}
         * @param values row-major
         * @return owned by the caller of {@link Sample#run}
         */
        Tensor weight(WeightForm form, Shape shape, float[] values);
    }

    /**
     * Fails unless the engine's values are those of the reference.
     *
     * @param actual of the engine
     * @param tolerance largest difference
     * @param sample computes the same values
     */
    static void check(float[] actual, double tolerance, Sample sample) {
        List<Tensor> uploaded = new ArrayList<>();
        try (ReferenceBackend reference = new ReferenceBackend(ReferenceBackend.Precision.F64)) {
            try (Scope scope = reference.openScope("check")) {
                Upload upload =
                        (form, shape, values) -> {
                            uploaded.add(upload(reference, form, shape, values));
                            return uploaded.get(uploaded.size() - 1);
                        };
                Tensor expected = sample.run(scope.ops(), upload);
                Agreement.require(actual, scope.ops().toArray(expected), tolerance);
            } finally {
                uploaded.forEach(Tensor::close);
            }
        }
    }

    @Override
    public void close() {
        scope.close();
        weights.forEach(Tensor::close);
        backend.close();
    }
}
