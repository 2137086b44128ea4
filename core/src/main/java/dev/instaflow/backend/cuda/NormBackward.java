package dev.instaflow.backend.cuda;

import dev.instaflow.kernels.ElementwiseKernel;
import dev.instaflow.kernels.GroupNormKernel;
import dev.instaflow.kernels.KernelLaunch;
import dev.instaflow.kernels.LayerNormKernel;
import dev.instaflow.kernels.ReduceKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.NormGradients;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** The launches of a norm's gradients; scratch is made by operations of a scope that ends with them. */
final class NormBackward {
    private final CudaOps ops;
    private final CudaEngine engine;
    private final Shape shape;
    private final Storage type;
    private final long x;
    private final long dy;
    private final NormGradients result;

    /** Of x; the result's first part has the type that is computed in. */
    NormBackward(CudaOps ops, Tensor x, Tensor dy, NormGradients result) {
        this.ops = ops;
        this.engine = ops.engine();
        this.shape = x.shape();
        this.type = ops.operands().typeOf(result.x());
        this.x = ops.operands().of(x, type);
        this.dy = ops.operands().of(dy, type);
        this.result = result;
    }

    private long scratch(long bytes) {
        return engine.storage(ops.scratch(bytes)).address();
    }

    private void launch(KernelLaunch launch) {
        engine.launcher().launch(launch, result.x());
    }

    /** Mean and variance are computed again, into what the gradient of x will take. */
    void groups(GroupNormSpec spec, Tensor gamma, Tensor beta) {
        GroupNormKernel.Spec sizes = GroupNorms.sizes(type, spec, shape);
        GroupNormKernel.Input input = new GroupNormKernel.Input(x, 0);
        GroupNormKernel.Affine affine =
                new GroupNormKernel.Affine(
                        ops.operands().of(gamma, Storage.F32),
                        ops.operands().of(beta, Storage.F32));
        long dx = engine.storage(result.x()).address();
        long partial = scratch(sizes.partialBytes());
        long stats = scratch(sizes.statsBytes());
        launch(GroupNormKernel.sums(sizes, partial, input));
        launch(GroupNormKernel.forward(sizes, dx, stats, input, affine, partial));
        long normalised = dy;
        if (GroupNorms.isSeparate(spec.then())) {
            ElementwiseKernel.Unary then = Operands.unary(spec.then());
            launch(ElementwiseKernel.unaryGradient(type, then, dx, dx, dy, shape.count()));
            normalised = dx;
        }
        GroupNormKernel.Saved saved = new GroupNormKernel.Saved(input, affine, stats, normalised);
        long columns = scratch(sizes.columnsBytes());
        launch(GroupNormKernel.backwardSums(sizes, columns, partial, saved));
        launch(GroupNormKernel.backward(sizes, dx, partial, saved));
        parameters(sizes.n() * sizes.chunks(), columns);
    }

    /** Every row by itself. */
    void rows(Tensor gamma, float eps) {
        int channels = shape.intSize(-1);
        int rows = Math.toIntExact(shape.count() / channels);
        LayerNormKernel.Spec sizes = new LayerNormKernel.Spec(type, rows, channels, eps);
        LayerNormKernel.Saved saved =
                new LayerNormKernel.Saved(x, dy, ops.operands().of(gamma, Storage.F32));
        long stats = scratch(sizes.statsBytes());
        long columns = scratch(sizes.columnsBytes());
        long dx = engine.storage(result.x()).address();
        launch(LayerNormKernel.backward(sizes, dx, stats, saved));
        launch(LayerNormKernel.backwardParameters(sizes, columns, stats, saved));
        parameters(sizes.chunks(), columns);
    }

    private void parameters(int chunks, long columns) {
        int channels = shape.intSize(-1);
        long gamma = engine.storage(result.gamma()).address();
        long beta = engine.storage(result.beta()).address();
        launch(ReduceKernel.chunks(ReduceKernel.Partial.gamma(chunks, channels), gamma, columns));
        launch(ReduceKernel.chunks(ReduceKernel.Partial.beta(chunks, channels), beta, columns));
    }
}
