package dev.instaflow.train.objective;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One way through the convolutions of a perceptual network, remembered for the way back. Convolutions run on
 * the backend; ReLU and pooling, which no other network here has, on the heap.
 */
final class PerceptualFeatures {
    /** What a stage leaves: its input's shape, the pooling before it if any, and its result. */
    private record Left(Shape in, Optional<MaxPool> pooled, Shape shape, float[] values) {}

    private final TrainingBackend backend;
    private final List<Lpips.Convolution> layers;
    private final List<Left> left = new ArrayList<>();

    PerceptualFeatures(TrainingBackend backend, List<Lpips.Convolution> layers) {
        this.backend = backend;
        this.layers = layers;
    }

    /** Goes through the layers; pictures [N,H,W,3]. */
    PerceptualFeatures run(Shape pictures, float[] values) {
        Shape shape = pictures;
        float[] x = values;
        for (Lpips.Convolution layer : layers) {
            Shape in = shape;
            Optional<MaxPool> pooled = pooled(layer.stage(), shape, x);
            if (pooled.isPresent()) {
                shape = pooled.get().shape();
                x = pooled.get().values();
            }
            try (Scope scope = backend.openScope("features")) {
                Ops ops = scope.ops();
                Tensor y =
                        ops.conv2d(
                                layer.stage().spec(),
                                ops.tensor("x", shape, x),
                                layer.weight(),
                                layer.bias());
                shape = y.shape();
                x = ops.toArray(y);
            }
            for (int i = 0; i < x.length; i++) {
                x[i] = Math.max(0, x[i]);
            }
            left.add(new Left(in, pooled, shape, x));
        }
        return this;
    }

    private static Optional<MaxPool> pooled(PerceptualNetwork.Stage stage, Shape shape, float[] x) {
        int side = stage.poolBefore();
        return side == 0
                ? Optional.empty()
                : Optional.of(MaxPool.of(shape, x, side, PerceptualNetwork.POOL_STRIDE));
    }

    /** The result of a layer, after its ReLU, channels last. */
    float[] values(int layer) {
        return left.get(layer).values();
    }

    /**
     * The gradient with respect to the pictures.
     *
     * @param gradients one a layer, of its result; empty for those that are not compared
     */
    float[] back(List<float[]> gradients) {
        float[] gradient = new float[0];
        for (int i = layers.size() - 1; i >= 0; i--) {
            Left stage = left.get(i);
            float[] own = gradients.get(i);
            float[] dy = new float[stage.values().length];
            for (int k = 0; k < dy.length; k++) {
                float sum = (own.length > 0 ? own[k] : 0) + (gradient.length > 0 ? gradient[k] : 0);
                dy[k] = stage.values()[k] > 0 ? sum : 0;
            }
            gradient = through(layers.get(i), stage, dy);
        }
        return gradient;
    }

    private float[] through(Lpips.Convolution layer, Left stage, float[] dy) {
        Shape in = stage.pooled().map(MaxPool::shape).orElse(stage.in());
        try (Scope scope = backend.openScope("gradients of features")) {
            Ops ops = scope.ops();
            Tensor dx =
                    backend.gradients(ops)
                            .conv2dInput(
                                    layer.stage().spec(),
                                    in,
                                    layer.weight(),
                                    ops.tensor("dy", stage.shape(), dy));
            float[] gradient = ops.toArray(dx);
            int count = Math.toIntExact(stage.in().count());
            return stage.pooled().map(pool -> pool.back(gradient, count)).orElse(gradient);
        }
    }
}
