package dev.instaflow.backend.cpu;

import dev.instaflow.backend.WeightStorage;
import dev.instaflow.ops.Activation;
import dev.instaflow.ops.AttentionGradients;
import dev.instaflow.ops.AttentionSpec;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GradOps;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.NormGradients;
import dev.instaflow.ops.Shapes;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** Checks shapes, makes the gradients, and hands addresses to the family that computes. */
final class CpuGradOps implements GradOps {
    private final CpuOps ops;
    private final GradientKernels kernels;

    CpuGradOps(CpuOps ops, GradientKernels kernels) {
        this.ops = ops;
        this.kernels = kernels;
    }

    private Tensor result(String name, Shape shape) {
        return ops.result("gradient of " + name, shape);
    }

    private long at(Tensor tensor) {
        return ops.engine().address(tensor);
    }

    @Override
    public Tensor conv2dInput(ConvSpec spec, Shape x, Tensor weight, Tensor dy) {
        Shapes.conv2dInput(spec, x, weight, dy);
        PackedWeight w = trainable(weight);
        Tensor dx = result(weight.name() + " input", x);
        if (kernels.winograd().suits(spec, x, weight.shape())) {
            kernels.winograd().input(x, dy.shape(), w, at(dy), at(dx));
        } else {
            kernels.convolution().input(spec, x, dy.shape(), w, at(dy), at(dx));
        }
        return dx;
    }

    private PackedWeight trainable(Tensor weight) {
        if (ops.engine().storage(weight) instanceof PackedWeight packed
                && packed.form() == PackedWeight.Form.CONV) {
            return packed;
        }
        throw new IllegalArgumentException(
                "kernel "
                        + weight
                        + " has no gradient as it is kept; open the backend with weights "
                        + WeightStorage.TRAINABLE);
    }

    @Override
    public Tensor conv2dWeight(ConvSpec spec, Tensor x, Tensor dy) {
        Tensor dw = result("conv2d weight", Shapes.conv2dWeight(spec, x, dy));
        kernels.convolution().weight(spec, x.shape(), dy.shape(), at(x), at(dy), at(dw));
        return dw;
    }

    @Override
    public Tensor linearInput(Tensor weight, Tensor dy) {
        Tensor dx = result(weight.name() + " input", Shapes.linearInput(weight, dy));
        PackedWeight w = ops.packed(weight, PackedWeight.Form.LINEAR);
        long in = weight.shape().size(1);
        long out = weight.shape().size(0);
        kernels.linear().input(dy.shape().count() / out, w, in, out, at(dy), at(dx));
        return dx;
    }

    @Override
    public Tensor linearWeight(Tensor x, Tensor dy) {
        Tensor dw = result("linear weight", Shapes.linearWeight(x, dy));
        long in = dw.shape().size(1);
        long out = dw.shape().size(0);
        kernels.linear().weight(x.shape().count() / in, in, out, at(x), at(dy), at(dw));
        return dw;
    }

    @Override
    public Tensor channelSums(Tensor dy) {
        Tensor sums = result(dy.name(), Shapes.channelSums(dy));
        long n = sums.shape().size(0);
        int c = sums.shape().intSize(1);
        kernels.totals().run(n, dy.shape().count() / n / c, c, at(dy), at(sums));
        return sums;
    }

    @Override
    public NormGradients groupNorm(
            GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta, Tensor dy) {
        Shape shape = Shapes.groupNorm(spec, x, gamma, beta);
        Shapes.gradient("groupNorm", shape, dy);
        NormGradients result = normGradients(x, gamma);
        kernels.groupNorm()
                .run(
                        spec,
                        shape,
                        new GroupNormGradient.Operands(
                                at(x),
                                at(gamma),
                                at(beta),
                                at(dy),
                                at(result.x()),
                                at(result.gamma()),
                                at(result.beta())));
        return result;
    }

    private NormGradients normGradients(Tensor x, Tensor gamma) {
        return new NormGradients(
                result(x.name(), x.shape()),
                result(gamma.name(), gamma.shape()),
                result("beta beside " + gamma.name(), gamma.shape()));
    }

    @Override
    public NormGradients layerNorm(Tensor x, Tensor gamma, float eps, Tensor dy) {
        Shape shape = Shapes.layerNorm(x, gamma, gamma);
        Shapes.gradient("layerNorm", shape, dy);
        NormGradients result = normGradients(x, gamma);
        long c = shape.size(-1);
        kernels.layerNorm()
                .run(
                        shape.count() / c,
                        c,
                        eps,
                        new LayerNormGradient.Operands(
                                at(x),
                                at(gamma),
                                at(dy),
                                at(result.x()),
                                at(result.gamma()),
                                at(result.beta())));
        return result;
    }

    @Override
    public AttentionGradients attention(
            AttentionSpec spec, Tensor q, Tensor k, Tensor v, Tensor dy) {
        Shapes.gradient("attention", Shapes.attention(spec, q, k, v), dy);
        AttentionGradients result =
                new AttentionGradients(
                        result("queries", q.shape()),
                        result("keys", k.shape()),
                        result("values", v.shape()));
        kernels.attention()
                .run(
                        spec,
                        q.shape(),
                        k.shape(),
                        new AttentionGradient.Operands(
                                at(q),
                                at(k),
                                at(v),
                                at(dy),
                                at(result.q()),
                                at(result.k()),
                                at(result.v())));
        return result;
    }

    @Override
    public Tensor activation(Activation activation, Tensor x, Tensor dy) {
        Tensor dx = result(x.name(), Shapes.gradient("activation", x.shape(), dy));
        long count = x.shape().count();
        if (activation == Activation.IDENTITY) {
            ops.engine().copy(at(dy), at(dx), count);
        } else {
            kernels.elementwise().activation(activation, count, at(x), at(dy), at(dx));
        }
        return dx;
    }

    @Override
    public Tensor geglu(Tensor x, Tensor dy) {
        Shapes.gradient("geglu", Shapes.geglu(x), dy);
        Tensor dx = result(x.name(), x.shape());
        long f = dy.shape().size(-1);
        kernels.elementwise().geglu(dy.shape().count() / f, f, at(x), at(dy), at(dx));
        return dx;
    }

    @Override
    public Tensor upsampleNearest(Shape x, Tensor dy) {
        Tensor dx = result("upsampled", Shapes.upsampleInput(x, dy));
        kernels.elementwise().upsample(x, dy.shape(), at(dy), at(dx));
        return dx;
    }

    @Override
    public Tensor gatherRows(Shape table, int[] ids, Tensor dy) {
        Tensor rows = result("rows", Shapes.gatherRowsTable(table, ids, dy));
        kernels.elementwise().gatherRows(table, ids, at(dy), at(rows));
        return rows;
    }
}
