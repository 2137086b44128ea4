package dev.instaflow.backend.cuda;

import dev.instaflow.kernels.AttentionGradientKernel;
import dev.instaflow.kernels.AttentionKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.ops.AttentionGradients;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** The launches of attention's gradients: the result and the sums of its rows are computed again. */
final class AttentionBackward {
    private AttentionBackward() {}

    /**
     * Writes the gradients.
     *
     * @param ops of a scope that ends with the scratch
     * @param in q, k and v
     */
    static void run(
            CudaOps ops, AttentionSpec spec, Tensor[] in, Tensor dy, AttentionGradients result) {
        CudaEngine engine = ops.engine();
        Shape shape = in[0].shape();
        int channels = shape.intSize(2);
        AttentionKernel.Spec sizes =
                ops.layers().attentionSizes(spec, shape, in[1].shape().intSize(1));
        AttentionKernel.Inputs inputs =
                new AttentionKernel.Inputs(
                        read(ops, in[0], channels),
                        read(ops, in[1], channels),
                        read(ops, in[2], channels));
        AttentionKernel.Rows dyRows = read(ops, dy, channels);
        Storage type = ops.numerics().storage();
        AttentionKernel.Rows y = written(ops, ops.result("attention", shape, type), channels);
        long lse = engine.storage(ops.scratch(sizes.lseBytes())).address();
        long delta = engine.storage(ops.scratch(sizes.lseBytes())).address();
        AttentionGradientKernel.Saved saved =
                new AttentionGradientKernel.Saved(inputs, lse, delta, dyRows);
        AttentionKernel.Rows dq = written(ops, result.q(), channels);
        AttentionKernel.Rows dk = written(ops, result.k(), channels);
        AttentionKernel.Rows dv = written(ops, result.v(), channels);
        Launcher launcher = engine.launcher();
        launcher.launch(AttentionKernel.forward(sizes, y, lse, inputs), result.q());
        launcher.launch(AttentionGradientKernel.delta(sizes, delta, y, dyRows), result.q());
        launcher.launch(AttentionGradientKernel.queries(sizes, dq, saved), result.q());
        launcher.launch(AttentionGradientKernel.keysAndValues(sizes, dk, dv, saved), result.k());
    }

    private static AttentionKernel.Rows read(CudaOps ops, Tensor x, int channels) {
        long address = ops.operands().of(x, ops.numerics().storage());
        return new AttentionKernel.Rows(address, channels);
    }

    private static AttentionKernel.Rows written(CudaOps ops, Tensor x, int channels) {
        return new AttentionKernel.Rows(ops.engine().storage(x).address(), channels);
    }
}
