package dev.instaflow.backend;

import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A {@link GradCase} with random values: the same ones on every backend. */
final class GradProblem {
    private final GradCase grad;
    private final List<float[]> inputs = new ArrayList<>();
    private final float[] dy;

    GradProblem(GradCase grad, Shape result, long seed) {
        this.grad = grad;
        Random random = new Random(seed);
        for (GradCase.Input input : grad.inputs()) {
            inputs.add(normals(random, input.shape().count()));
        }
        dy = normals(random, result.count());
    }

    private static float[] normals(Random random, long count) {
        float[] values = new float[Math.toIntExact(count)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    float[] dy() {
        return dy;
    }

    /** Runs something on the inputs, on one backend. */
    interface Body<T> {
        T run(Ops ops, Tensor[] in);
    }

    static <T> T with(TrainingBackend backend, GradCase grad, List<float[]> values, Body<T> body)
            throws IOException {
        List<Tensor> weights = new ArrayList<>();
        try (Scope scope = backend.openScope(grad.name())) {
            Tensor[] in = new Tensor[values.size()];
            for (int i = 0; i < in.length; i++) {
                GradCase.Input input = grad.inputs().get(i);
                if (input.isWeight()) {
                    FloatSource source = FloatSource.of(values.get(i));
                    in[i] = backend.upload("w" + i, input.form(), input.shape(), source);
                    weights.add(in[i]);
                } else {
                    in[i] = scope.ops().tensor("x" + i, input.shape(), values.get(i));
                }
            }
            return body.run(scope.ops(), in);
        } finally {
            weights.forEach(Tensor::close);
        }
    }

    <T> T with(TrainingBackend backend, Body<T> body) throws IOException {
        return with(backend, grad, inputs, body);
    }

    /** The shape of the case's result. */
    static Shape resultShape(TrainingBackend backend, GradCase grad) throws IOException {
        List<float[]> zeros = new ArrayList<>();
        grad.inputs().forEach(i -> zeros.add(new float[Math.toIntExact(i.shape().count())]));
        return with(backend, grad, zeros, (ops, in) -> grad.forward().run(ops, in).shape());
    }

    /** The gradients that a backend computes, in the order of the inputs. */
    List<float[]> gradients(TrainingBackend backend, Shape result) throws IOException {
        return with(
                backend,
                (ops, in) -> {
                    Tensor d = ops.tensor("dy", result, dy);
                    List<float[]> all = new ArrayList<>();
                    for (Tensor g : grad.backward().run(backend.gradients(ops), in, d)) {
                        all.add(ops.toArray(g));
                    }
                    return all;
                });
    }
}
