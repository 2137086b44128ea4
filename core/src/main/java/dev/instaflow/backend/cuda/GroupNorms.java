package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.kernels.ElementwiseKernel;
import dev.instaflow.kernels.GroupNormKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** The launches of a group norm. */
final class GroupNorms {
    private GroupNorms() {}

    /** Normalises x into y, which has the type that is computed in. */
    static void run(
            CudaEngine engine,
            Operands operands,
            GroupNormSpec spec,
            Tensor x,
            Tensor gamma,
            Tensor beta,
            Tensor y) {
        Storage type = operands.typeOf(y);
        GroupNormKernel.Spec sizes = sizes(type, spec, x.shape());
        long to = engine.storage(y).address();
        GroupNormKernel.Input input = new GroupNormKernel.Input(operands.of(x, type), 0);
        GroupNormKernel.Affine affine =
                new GroupNormKernel.Affine(
                        operands.of(gamma, Storage.F32), operands.of(beta, Storage.F32));
        Arena.Range partial = engine.pool().take(sizes.partialBytes(), y);
        try {
            engine.launcher().launch(GroupNormKernel.sums(sizes, partial.address(), input), y);
            engine.launcher()
                    .launch(
                            GroupNormKernel.forward(sizes, to, 0, input, affine, partial.address()),
                            y);
        } finally {
            engine.pool().give(partial);
        }
        if (isSeparate(spec.then())) {
            ElementwiseKernel.Unary then = Operands.unary(spec.then());
            long count = y.shape().count();
            engine.launcher().launch(ElementwiseKernel.unary(type, then, to, to, count), y);
        }
    }

    static GroupNormKernel.Spec sizes(Storage type, GroupNormSpec spec, Shape shape) {
        long rows = shape.count() / shape.size(0) / shape.size(-1);
        GroupNormKernel.Then then =
                spec.then() == Activation.SILU
                        ? GroupNormKernel.Then.SILU
                        : GroupNormKernel.Then.IDENTITY;
        return new GroupNormKernel.Spec(
                type,
                shape.intSize(0),
                Math.toIntExact(rows),
                shape.intSize(-1),
                spec.groups(),
                spec.eps(),
                then);
    }

    /** Whether the kernels do not know the activation. */
    static boolean isSeparate(Activation then) {
        return then != Activation.IDENTITY && then != Activation.SILU;
    }
}
