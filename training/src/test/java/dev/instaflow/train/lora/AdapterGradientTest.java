package dev.instaflow.train.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Seed;
import dev.instaflow.train.Tape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Adapters of all kinds of layers, against central differences. */
class AdapterGradientTest {
    /** Step and error of central differences in F64: h^2 times a third derivative below 100. */
    private static final double STEP = 1e-5;

    private static final double TOLERANCE = 1e-7;
    private static final int C = 3;
    private static final int RANK = 2;

    private final Random random = new Random(11);
    private final List<Tensor> owned = new ArrayList<>();
    private final List<Tensor> factors = new ArrayList<>();
    private final Map<Tensor, Adapter> adapters = new IdentityHashMap<>();

    private Tensor upload(ReferenceBackend backend, WeightForm form, Shape shape)
            throws IOException {
        Tensor tensor = backend.upload("w", form, shape, FloatSource.of(normals(shape.count())));
        owned.add(tensor);
        return tensor;
    }

    private float[] normals(long count) {
        float[] values = new float[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private Tensor adapted(ReferenceBackend backend, WeightForm form, Shape shape)
            throws IOException {
        Tensor weight = upload(backend, form, shape);
        Tensor down = upload(backend, form, shape.with(0, RANK));
        Tensor up = upload(backend, WeightForm.LINEAR, Shape.of(shape.size(0), RANK));
        Tensor zeros = backend.upload("0", WeightForm.PLAIN, Shape.of(RANK), zeros(RANK));
        Tensor more =
                backend.upload(
                        "0", WeightForm.PLAIN, Shape.of(shape.size(0)), zeros(shape.size(0)));
        owned.add(zeros);
        owned.add(more);
        factors.add(down);
        factors.add(up);
        adapters.put(weight, new Adapter(down, up, zeros, more, 0.7f));
        return weight;
    }

    private static FloatSource zeros(long count) {
        return FloatSource.of(new float[(int) count]);
    }

    @ParameterizedTest
    @EnumSource(Tape.Memory.class)
    void gradientsAreThoseOfCentralDifferences(Tape.Memory memory) throws IOException {
        try (ReferenceBackend backend = new ReferenceBackend(ReferenceBackend.Precision.F64)) {
            WeightForm conv = new WeightForm.Conv(ConvSpec.SAME_3X3, 1, 1);
            Tensor kernel = adapted(backend, conv, Shape.of(C, C, 3, 3));
            Tensor matrix = adapted(backend, WeightForm.LINEAR, Shape.of(C, C));
            Tensor gated = adapted(backend, WeightForm.LINEAR, Shape.of(2 * C, C));
            Tensor bias = upload(backend, WeightForm.PLAIN, Shape.of(C));
            Tensor gatedBias = upload(backend, WeightForm.PLAIN, Shape.of(2 * C));
            Shape shape = Shape.of(2, 3, 2, C);
            float[] x = normals(shape.count());
            float[] dy = normals(shape.count());
            Net net =
                    ops -> {
                        Tensor in = ops.tensor("x", shape, x);
                        Tensor h =
                                ops.block(
                                        inner -> {
                                            Tensor a =
                                                    inner.conv2d(
                                                            ConvSpec.SAME_3X3, in, kernel, bias);
                                            return inner.conv2dAdd(
                                                    ConvSpec.SAME_3X3, a, kernel, bias, in);
                                        });
                        h = ops.linearGeglu(ops.linear(h, matrix), gated, gatedBias);
                        return ops.linearAdd(ops.linear(h, matrix, bias), matrix, bias, h);
                    };
            try (Tape tape = new Tape(backend, memory)) {
                tape.watch(factors);
                Tensor y = net.run(new AdaptedOps(tape, adapters));
                tape.backward(List.of(new Seed(y, tape.tensor("dy", shape, dy))));
                for (Tensor factor : factors) {
                    compare(backend, net, dy, factor, tape.gradient(factor).orElseThrow());
                }
            }
            owned.forEach(Tensor::close);
        }
    }

    @FunctionalInterface
    private interface Net {
        Tensor run(Ops ops);
    }

    private void compare(
            ReferenceBackend backend, Net net, float[] dy, Tensor factor, Tensor gradient) {
        double[] exact = ReferenceBackend.values(gradient);
        double[] values = ReferenceBackend.values(factor);
        double scale = 1;
        for (double value : exact) {
            scale = Math.max(scale, Math.abs(value));
        }
        for (int i = 0; i < values.length; i++) {
            double kept = values[i];
            values[i] = kept + STEP;
            double above = loss(backend, net, dy);
            values[i] = kept - STEP;
            double below = loss(backend, net, dy);
            values[i] = kept;
            assertEquals(
                    (above - below) / (2 * STEP), exact[i], TOLERANCE * scale, factor + " " + i);
        }
    }

    private double loss(ReferenceBackend backend, Net net, float[] dy) {
        try (Scope scope = backend.openScope("loss")) {
            Tensor result = net.run(new AdaptedOps(scope.ops(), adapters));
            double[] y = ReferenceBackend.values(result);
            double sum = 0;
            for (int i = 0; i < y.length; i++) {
                sum += y[i] * dy[i];
            }
            return sum;
        }
    }
}
