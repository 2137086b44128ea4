package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.kernels.ChannelsKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.Optional;

/**
 * A convolution with its bias and residual: a product of matrices where it has one tap, else cuDNN's, which adds them
 * itself where it can. What cuDNN cannot pad, which is all that is not alike on opposite sides, is padded before.
 */
final class ConvolutionLayer {
    private final CudaEngine engine;
    private final Numerics numerics;
    private final Operands operands;
    private final Storage type;

    ConvolutionLayer(CudaEngine engine, Numerics numerics, Operands operands) {
        this.engine = engine;
        this.numerics = numerics;
        this.operands = operands;
        this.type = numerics.storage();
    }

    /** What is added to the result: a vector [Co], and the address of what is like the result, or 0. */
    private record Sums(Tensor bias, long residual) {}

    /** Convolves x into y, which has the type that is computed in, and adds bias and residual. */
    void run(
            ConvSpec spec,
            Tensor x,
            Tensor weight,
            Tensor bias,
            Optional<Tensor> residual,
            Tensor y) {
        Sums sums = new Sums(bias, residual.map(each -> operands.of(each, type)).orElse(0L));
        long from = operands.of(x, type);
        long kernels = operands.weight(weight, CudaWeight.Form.CONV, type);
        long to = engine.storage(y).address();
        if (spec.equals(ConvSpec.POINTWISE)) {
            long in = x.shape().size(3);
            Products.Sizes sizes =
                    new Products.Sizes(x.shape().count() / in, in, weight.shape().size(0));
            Products.Operands matrices = new Products.Operands(from, kernels, to);
            engine.products().multiply(numerics, sizes, matrices, y);
            addSums(sums, y);
        } else if (isEven(spec)) {
            convolve(spec, x.shape(), new Convolutions.Operands(from, kernels, to), sums, y);
        } else {
            padded(spec, x.shape(), new Convolutions.Operands(from, kernels, to), sums, y);
        }
    }

    private static boolean isEven(ConvSpec spec) {
        return spec.top() == spec.bottom()
                && spec.left() == spec.right()
                && spec.top() == spec.left();
    }

    private void convolve(
            ConvSpec spec, Shape x, Convolutions.Operands addresses, Sums sums, Tensor y) {
        ConvolutionShape shape = ConvolutionShape.of(numerics, spec, x, y.shape().intSize(3));
        Convolutions.Sums fused =
                new Convolutions.Sums(operands.of(sums.bias(), type), sums.residual());
        if (!engine.convolutions().runWith(fused, shape, addresses, y)) {
            engine.convolutions().run(shape, addresses, y);
            addSums(sums, y);
        }
    }

    private void addSums(Sums sums, Tensor y) {
        long to = engine.storage(y).address();
        ChannelsKernel.Biased biased =
                new ChannelsKernel.Biased(
                        to, operands.of(sums.bias(), Storage.F32), sums.residual());
        engine.launcher()
                .launch(
                        ChannelsKernel.bias(
                                type,
                                ChannelsKernel.Then.IDENTITY,
                                to,
                                biased,
                                Operands.rowsOf(y.shape())),
                        y);
    }

    /** Zeros to the left and right of each row, then above and below each sample. */
    private void padded(
            ConvSpec spec, Shape x, Convolutions.Operands addresses, Sums sums, Tensor y) {
        Shape wide = x.with(2, x.size(2) + spec.left() + spec.right());
        Shape whole = wide.with(1, x.size(1) + spec.top() + spec.bottom());
        Arena.Range rows = take(wide, y);
        try {
            int c = x.intSize(3);
            ChannelsKernel.Range inRow =
                    new ChannelsKernel.Range(spec.left() * c, x.intSize(2) * c);
            pad(rows, addresses.x(), x.size(0) * x.size(1), wide.intSize(2) * c, inRow, y);
            Arena.Range image = take(whole, y);
            try {
                int row = wide.intSize(2) * c;
                ChannelsKernel.Range inImage =
                        new ChannelsKernel.Range(spec.top() * row, x.intSize(1) * row);
                pad(image, rows.address(), x.size(0), whole.intSize(1) * row, inImage, y);
                ConvSpec bare = new ConvSpec(spec.kernel(), spec.stride(), 0, 0, 0, 0);
                Convolutions.Operands moved =
                        new Convolutions.Operands(
                                image.address(), addresses.weight(), addresses.y());
                convolve(bare, whole, moved, sums, y);
            } finally {
                engine.pool().give(image);
            }
        } finally {
            engine.pool().give(rows);
        }
    }

    private Arena.Range take(Shape shape, Tensor y) {
        return engine.pool().take(Math.multiplyExact(shape.count(), type.sizeBytes()), y);
    }

    private void pad(
            Arena.Range to,
            long from,
            long rows,
            int width,
            ChannelsKernel.Range range,
            Tensor what) {
        ChannelsKernel.Extents extents = new ChannelsKernel.Extents(rows, width);
        engine.launcher()
                .launch(ChannelsKernel.pad(type, to.address(), from, extents, range), what);
    }
}
