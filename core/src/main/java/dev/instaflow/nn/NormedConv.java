package dev.instaflow.nn;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.NormedConvolution;
import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;

/**
 * {@code conv(silu(norm(x)))}, the half of a residual block and the end of every model. A layer of its
 * own so that a backend can do without the normalised copy of {@code x}.
 */
public final class NormedConv {
    private final NormedConvolution layers;

    private NormedConv(NormedConvolution layers) {
        this.layers = layers;
    }

    /**
     * Takes the weights of both, the norm's first.
     *
     * @param norm has the norm's {@code weight} and {@code bias}
     * @param conv has the 3x3 convolution's
     * @param spec of the norm, with SiLU as its activation
     * @param in channels of the input
     * @param out channels of the result
     * @param sizeHint as of {@link Conv2d#load}
     * @return the layers
     */
    public static NormedConv load(
            Weights norm, Weights conv, GroupNormSpec spec, long in, long out, int sizeHint) {
        GroupNorm first = GroupNorm.load(norm, spec, in);
        Conv2d second = Conv2d.load(conv, ConvSpec.SAME_3X3, in, out, sizeHint);
        return new NormedConv(
                new NormedConvolution(
                        spec,
                        first.gamma(),
                        first.beta(),
                        second.spec(),
                        second.weight(),
                        second.bias()));
    }

    /**
     * Applies the layers.
     *
     * @param ops what to compute with
     * @param x [N,H,W,Ci]
     * @return [N,H,W,Co]
     */
    public Tensor forward(Ops ops, Tensor x) {
        return ops.normedConv2d(layers, x);
    }

    /**
     * Applies the layers and adds a residual.
     *
     * @param ops what to compute with
     * @param x [N,H,W,Ci]
     * @param residual [N,H,W,Co]
     * @return [N,H,W,Co]
     */
    public Tensor forwardAdd(Ops ops, Tensor x, Tensor residual) {
        return ops.normedConv2dAdd(layers, x, residual);
    }

    /**
     * Applies the layers and adds a vector to all pixels of a sample.
     *
     * @param ops what to compute with
     * @param x [N,H,W,Ci]
     * @param perChannel [N,Co], such as a time embedding
     * @return [N,H,W,Co]
     */
    public Tensor forwardAddPerChannel(Ops ops, Tensor x, Tensor perChannel) {
        return ops.normedConv2dAddPerChannel(layers, x, perChannel);
    }
}
