package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.cuda.CudaTimer;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.util.function.Function;

/**
 * What a GPU reaches at best in the arithmetic of a backend, measured through the backend itself.
 *
 * @param product multiplications and additions a second of a matrix product of 16384 by 4096 by 4096
 * @param convolution the same of a 3x3 convolution, 8 images of 64x64 with 640 channels
 * @param bandwidth bytes a second that an operation on single elements reads and writes
 * @param bytesEach of a value in the type that the backend computes in
 */
record GpuPeaks(double product, double convolution, double bandwidth, int bytesEach) {
    private static final int REPEATS = 20;
    private static final int ROWS = 16_384;
    private static final int WIDTH = 4096;
    private static final int IMAGES = 8;
    private static final int SIDE = 64;
    private static final int CHANNELS = 640;
    private static final int KERNEL = 3;

    /**
     * The least time that a network takes.
     *
     * @param flops its multiplications and additions
     * @param parameters each of which is read once
     */
    double seconds(double flops, long parameters) {
        return Math.max(flops / product, parameters * (double) bytesEach / bandwidth);
    }

    /** Measures, in a second or two. */
    static GpuPeaks measure(Backend backend, CudaTimer timer) throws IOException {
        double products = 2.0 * ROWS * WIDTH * WIDTH;
        double convolutions = 2.0 * IMAGES * SIDE * SIDE * KERNEL * KERNEL * CHANNELS * CHANNELS;
        try (Tensor matrix = weight(backend, WeightForm.LINEAR, Shape.of(WIDTH, WIDTH));
                Tensor kernel =
                        weight(
                                backend,
                                new WeightForm.Conv(ConvSpec.SAME_3X3, SIDE, SIDE),
                                Shape.of(CHANNELS, CHANNELS, KERNEL, KERNEL));
                Tensor bias = weight(backend, WeightForm.PLAIN, Shape.of(CHANNELS));
                Scope scope = backend.openScope("peaks")) {
            Ops ops = scope.ops();
            // The first result has the type that the backend computes in; what is timed starts from
            // that.
            Tensor rows = ops.linear(values(ops, Shape.of(ROWS, WIDTH)), matrix);
            Shape shape = Shape.of(IMAGES, SIDE, SIDE, CHANNELS);
            Tensor images = ops.conv2d(ConvSpec.SAME_3X3, values(ops, shape), kernel, bias);
            double bytes = 2.0 * rows.shape().count() * rows.dtype().sizeBytes();
            return new GpuPeaks(
                    products / best(ops, timer, each -> each.linear(rows, matrix)),
                    convolutions
                            / best(
                                    ops,
                                    timer,
                                    each -> each.conv2d(ConvSpec.SAME_3X3, images, kernel, bias)),
                    bytes / best(ops, timer, each -> each.activation(Activation.SILU, rows)),
                    rows.dtype().sizeBytes());
        }
    }

    private static double best(Ops outer, CudaTimer timer, Function<Ops, Tensor> work) {
        double best = Double.MAX_VALUE;
        for (int i = 0; i < REPEATS; i++) {
            try (Scope scope = outer.openScope()) {
                best = Math.min(best, timer.measure(() -> work.apply(scope.ops())).seconds());
            }
        }
        return best;
    }

    /** Small whole numbers: a product of zeros would take less power, and so run faster. */
    private static float value(long index) {
        return index % 7 - 3;
    }

    private static Tensor values(Ops ops, Shape shape) {
        float[] values = new float[Math.toIntExact(shape.count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(i);
        }
        return ops.tensor("values", shape, values);
    }

    private static Tensor weight(Backend backend, WeightForm form, Shape shape) throws IOException {
        FloatSource source =
                (first, target, offset, length) -> {
                    for (int i = 0; i < length; i++) {
                        // Small, so that F16 does not overflow in a second product.
                        target[offset + i] = value(first + i) / WIDTH;
                    }
                };
        return backend.upload("weight", form, shape, source);
    }
}
