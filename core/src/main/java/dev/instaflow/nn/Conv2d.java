package dev.instaflow.nn;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Tensor;

/** A convolution with a bias. */
public final class Conv2d {
    private final ConvSpec spec;
    private final Tensor weight;
    private final Tensor bias;

    private Conv2d(ConvSpec spec, Tensor weight, Tensor bias) {
        this.spec = spec;
        this.weight = weight;
        this.bias = bias;
    }

    /**
     * Takes the weights of a convolution.
     *
     * @param weights has {@code weight} [out,in,K,K] and {@code bias} [out]
     * @param spec the geometry
     * @param in channels of the input
     * @param out channels of the result
     * @param sizeHint likely rows and columns of the input, or 0; a hint for packing, never a limit
     * @return the layer
     */
    public static Conv2d load(Weights weights, ConvSpec spec, long in, long out, int sizeHint) {
        WeightForm form = new WeightForm.Conv(spec, sizeHint, sizeHint);
        Tensor weight = weights.take("weight", form, out, in, spec.kernel(), spec.kernel());
        return new Conv2d(spec, weight, weights.take("bias", WeightForm.PLAIN, out));
    }

    ConvSpec spec() {
        return spec;
    }

    Tensor weight() {
        return weight;
    }

    Tensor bias() {
        return bias;
    }

    /**
     * Applies the layer.
     *
     * @param ops what to compute with
     * @param x [N,H,W,in]
     * @return [N,H',W',out]
     */
    public Tensor forward(Ops ops, Tensor x) {
        return ops.conv2d(spec, x, weight, bias);
    }

    /**
     * Applies the layer and adds a residual.
     *
     * @param ops what to compute with
     * @param x [N,H,W,in]
     * @param residual [N,H',W',out]
     * @return [N,H',W',out]
     */
    public Tensor forwardAdd(Ops ops, Tensor x, Tensor residual) {
        return ops.conv2dAdd(spec, x, weight, bias, residual);
    }
}
