package dev.instaflow.backend.cpu;

import dev.instaflow.ops.Activation;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.NormedConvolution;
import dev.instaflow.tensor.Tensor;

/**
 * The convolutions of {@link CpuOps} whose kernels are kept transformed: brings a norm before them and what
 * is added after them to {@link Winograd}. Takes tensors whose shapes have been checked. Stateless.
 */
final class TransformedConvolution {
    private final CpuEngine engine;
    private final Winograd winograd;
    private final Elementwise elementwise;
    private final Normalisation normalisation;

    TransformedConvolution(
            CpuEngine engine,
            Winograd winograd,
            Elementwise elementwise,
            Normalisation normalisation) {
        this.engine = engine;
        this.winograd = winograd;
        this.elementwise = elementwise;
        this.normalisation = normalisation;
    }

    private long at(Tensor tensor) {
        return engine.address(tensor);
    }

    /** Whether a convolution with that weight is one of these. */
    boolean takes(ConvSpec spec, Tensor weight) {
        return spec.equals(ConvSpec.SAME_3X3) && has(weight, PackedWeight.Form.WINOGRAD);
    }

    /** Whether a convolution of a doubled image with that weight is one of these. */
    boolean takesDoubled(Tensor weight) {
        return has(weight, PackedWeight.Form.WINOGRAD_DOUBLED);
    }

    private boolean has(Tensor weight, PackedWeight.Form form) {
        return engine.storage(weight) instanceof PackedWeight packed && packed.form() == form;
    }

    /** What is added to a convolution's result, for one run, which frees it. */
    final class Addends {
        private final long bias;
        private final long biasStep;
        private final long residual;
        private final MemoryPool.Block block;

        private Addends(long bias, long biasStep, long residual, MemoryPool.Block block) {
            this.bias = bias;
            this.biasStep = biasStep;
            this.residual = residual;
            this.block = block;
        }

        private void free() {
            if (block != null) {
                engine.pool().give(block);
            }
        }
    }

    /** The bias alone. */
    Addends bias(Tensor bias) {
        return new Addends(at(bias), 0, 0, null);
    }

    /** Bias and residual. */
    Addends biasAndResidual(Tensor bias, Tensor residual) {
        return new Addends(at(bias), 0, at(residual), null);
    }

    /** Bias and a vector [N,Co] for each sample, which become one vector a sample. */
    Addends biasAndPerChannel(Tensor bias, Tensor perChannel) {
        long c = bias.shape().count();
        long samples = perChannel.shape().size(0);
        long each = at(perChannel);
        long all = at(bias);
        MemoryPool.Block block =
                engine.pool()
                        .filled(
                                CpuStorage.bytesOf(samples * c),
                                "biases",
                                to -> elementwise.addPerChannel(samples, c, each, all, to));
        return new Addends(block.address(), c, 0, block);
    }

    /** {@code y = conv(x) + addends}. */
    void run(Tensor x, Tensor weight, Addends addends, Tensor y) {
        try {
            run(WinogradBasis.SAME, x, weight, Winograd.Prologue.NONE, addends, y);
        } finally {
            addends.free();
        }
    }

    /** {@code y = conv(x, doubled) + addends}. */
    void runDoubled(Tensor x, Tensor weight, Addends addends, Tensor y) {
        try {
            run(WinogradBasis.DOUBLED, x, weight, Winograd.Prologue.NONE, addends, y);
        } finally {
            addends.free();
        }
    }

    /** {@code y = conv(activation(norm(x))) + addends}; the normalised image is never written. */
    void runNormed(NormedConvolution layers, Tensor x, Addends addends, Tensor y) {
        long vectorBytes = CpuStorage.bytesOf(x.shape().size(0) * x.shape().size(3));
        MemoryPool.Block vectors = null;
        try {
            vectors = engine.pool().take(2 * vectorBytes, "group norm vectors");
            long scale = vectors.address();
            long shift = scale + vectorBytes;
            long gamma = at(layers.gamma());
            long beta = at(layers.beta());
            normalisation.scaleAndShift(layers.norm(), x.shape(), at(x), gamma, beta, scale, shift);
            Activation then = layers.norm().then();
            Winograd.Prologue norm = new Winograd.Prologue(then, scale, shift);
            run(WinogradBasis.SAME, x, layers.weight(), norm, addends, y);
        } finally {
            addends.free();
            if (vectors != null) {
                engine.pool().give(vectors);
            }
        }
    }

    private void run(
            WinogradBasis basis,
            Tensor x,
            Tensor weight,
            Winograd.Prologue before,
            Addends addends,
            Tensor y) {
        Winograd.Operands operands =
                new Winograd.Operands(
                        at(x), addends.bias, addends.biasStep, addends.residual, at(y));
        PackedWeight kernels = (PackedWeight) engine.storage(weight);
        winograd.run(basis, x.shape(), y.shape(), kernels, before, operands);
    }
}
