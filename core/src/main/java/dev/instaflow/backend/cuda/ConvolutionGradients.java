package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import dev.instaflow.kernels.CastKernel;
import dev.instaflow.kernels.Storage;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/** The gradients of {@link ConvolutionLayer}: products where it has one tap, else cuDNN's, around borders that it cannot pad. */
final class ConvolutionGradients {
    private final CudaEngine engine;
    private final Numerics numerics;
    private final Operands operands;
    private final Storage type;

    ConvolutionGradients(CudaEngine engine, Numerics numerics, Operands operands) {
        this.engine = engine;
        this.numerics = numerics;
        this.operands = operands;
        this.type = numerics.storage();
    }

    /** Writes dx, which has the type that is computed in. */
    void input(ConvSpec spec, Tensor weight, Tensor dy, Tensor dx) {
        long kernels = operands.weight(weight, CudaWeight.Form.CONV, type);
        long from = operands.of(dy, type);
        long to = engine.storage(dx).address();
        Shape x = dx.shape();
        int out = dy.shape().intSize(3);
        Convolutions.Operands addresses = new Convolutions.Operands(to, kernels, from);
        if (spec.equals(ConvSpec.POINTWISE)) {
            engine.products()
                    .inputGradient(
                            numerics,
                            matrices(x, out),
                            new Products.Operands(to, kernels, from),
                            dx);
        } else if (Borders.areEven(spec)) {
            run(ConvolutionPass.INPUT_GRADIENT, spec, x, out, addresses, dx);
        } else {
            Borders borders = new Borders(engine, type, spec, x);
            borders.inWhole(
                    dx,
                    image -> {
                        run(
                                ConvolutionPass.INPUT_GRADIENT,
                                borders.bare(),
                                borders.whole(),
                                out,
                                new Convolutions.Operands(image, kernels, from),
                                dx);
                        borders.cut(image, to, dx);
                    });
        }
    }

    private static Products.Sizes matrices(Shape x, int out) {
        long in = x.size(3);
        return new Products.Sizes(x.count() / in, in, out);
    }

    private void run(
            ConvolutionPass pass,
            ConvSpec spec,
            Shape x,
            int out,
            Convolutions.Operands addresses,
            Tensor what) {
        ConvolutionShape shape = ConvolutionShape.of(numerics, spec, x, out).with(pass);
        engine.convolutions().run(shape, addresses, what);
    }

    /** Writes dw, which is F32 in the order of the file. */
    void kernels(ConvSpec spec, Tensor x, Tensor dy, Tensor dw) {
        long image = operands.of(x, type);
        long from = operands.of(dy, type);
        long to = engine.storage(dw).address();
        if (spec.equals(ConvSpec.POINTWISE)) {
            engine.products()
                    .weightGradient(
                            numerics,
                            matrices(x.shape(), dy.shape().intSize(3)),
                            new Products.Operands(image, to, from),
                            dw);
            return;
        }
        Arena.Range turned = engine.pool().take(dw.shape().count() * type.sizeBytes(), dw);
        try {
            Convolutions.Operands addresses =
                    new Convolutions.Operands(image, turned.address(), from);
            turnedKernels(spec, x.shape(), addresses, dw);
            widen(turned.address(), to, dw);
        } finally {
            engine.pool().give(turned);
        }
    }

    private void turnedKernels(ConvSpec spec, Shape x, Convolutions.Operands addresses, Tensor dw) {
        int out = dw.shape().intSize(0);
        if (Borders.areEven(spec)) {
            run(ConvolutionPass.KERNEL_GRADIENT, spec, x, out, addresses, dw);
            return;
        }
        Borders borders = new Borders(engine, type, spec, x);
        borders.inWhole(
                dw,
                whole -> {
                    borders.put(addresses.x(), whole, dw);
                    run(
                            ConvolutionPass.KERNEL_GRADIENT,
                            borders.bare(),
                            borders.whole(),
                            out,
                            new Convolutions.Operands(whole, addresses.weight(), addresses.y()),
                            dw);
                });
    }

    /** cuDNN gives the gradient in the type of its operands. */
    private void widen(long turned, long to, Tensor dw) {
        if (type == Storage.F32) {
            WeightUploader.toFile(engine, type, dw.shape(), turned, to, dw);
            return;
        }
        long count = dw.shape().count();
        Arena.Range wide = engine.pool().take(count * Float.BYTES, dw);
        try {
            engine.launcher()
                    .launch(CastKernel.cast(type, Storage.F32, wide.address(), turned, count), dw);
            WeightUploader.toFile(engine, Storage.F32, dw.shape(), wide.address(), to, dw);
        } finally {
            engine.pool().give(wide);
        }
    }
}
