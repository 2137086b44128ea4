package dev.instaflow.backend.cuda;

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
        } else if (Borders.areEven(spec)) {
            convolve(spec, x.shape(), new Convolutions.Operands(from, kernels, to), sums, y);
        } else {
            padded(spec, x.shape(), new Convolutions.Operands(from, kernels, to), sums, y);
        }
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

    private void padded(
            ConvSpec spec, Shape x, Convolutions.Operands addresses, Sums sums, Tensor y) {
        Borders borders = new Borders(engine, type, spec, x);
        borders.inWhole(
                y,
                image -> {
                    borders.put(addresses.x(), image, y);
                    Convolutions.Operands moved =
                            new Convolutions.Operands(image, addresses.weight(), addresses.y());
                    convolve(borders.bare(), borders.whole(), moved, sums, y);
                });
    }
}
