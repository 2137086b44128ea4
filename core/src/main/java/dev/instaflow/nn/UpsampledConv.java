package dev.instaflow.nn;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Tensor;

/** Nearest-neighbour doubling of both sides and the 3x3 convolution after it. */
public final class UpsampledConv {
    private final Tensor weight;
    private final Tensor bias;

    private UpsampledConv(Tensor weight, Tensor bias) {
        this.weight = weight;
        this.bias = bias;
    }

    /**
     * Takes the weights of the convolution.
     *
     * @param weights has {@code weight} [out,in,3,3] and {@code bias} [out]
     * @param in channels of the input
     * @param out channels of the result
     * @param sizeHint likely rows and columns of the input, or 0; a hint for packing, never a limit
     * @return the layer
     */
    public static UpsampledConv load(Weights weights, long in, long out, int sizeHint) {
        WeightForm form = new WeightForm.UpsampledConv(sizeHint, sizeHint);
        Tensor weight = weights.take("weight", form, out, in, 3, 3);
        return new UpsampledConv(weight, weights.take("bias", WeightForm.PLAIN, out));
    }

    /**
     * Applies the layer.
     *
     * @param ops what to compute with
     * @param x [N,H,W,in]
     * @return [N,2H,2W,out]
     */
    public Tensor forward(Ops ops, Tensor x) {
        return ops.upsampleConv2d(x, weight, bias);
    }
}
