package dev.instaflow.nn;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Tensor;
import java.util.Optional;

/** {@code x W^T + b} over the last dimension. */
public final class Linear {
    private final Tensor weight;
    private final Optional<Tensor> bias;

    private Linear(Tensor weight, Optional<Tensor> bias) {
        this.weight = weight;
        this.bias = bias;
    }

    /**
     * With a bias.
     *
     * @param weights has {@code weight} [out,in] and {@code bias} [out]
     * @param in channels of the input
     * @param out channels of the result
     * @return the layer
     */
    public static Linear load(Weights weights, long in, long out) {
        Tensor weight = weights.take("weight", WeightForm.LINEAR, out, in);
        return new Linear(weight, Optional.of(bias(weights, out)));
    }

    /**
     * Without a bias.
     *
     * @param weights has {@code weight} [out,in]
     * @param in channels of the input
     * @param out channels of the result
     * @return the layer
     */
    public static Linear loadWithoutBias(Weights weights, long in, long out) {
        return new Linear(weights.take("weight", WeightForm.LINEAR, out, in), Optional.empty());
    }

    /**
     * A 1x1 convolution, which over channels-last memory is a linear layer.
     *
     * @param weights has {@code weight} [out,in,1,1] and {@code bias} [out]
     * @param in channels of the input
     * @param out channels of the result
     * @return the layer
     */
    public static Linear loadPointwise(Weights weights, long in, long out) {
        Tensor weight = weights.takePointwise("weight", out, in);
        return new Linear(weight, Optional.of(bias(weights, out)));
    }

    private static Tensor bias(Weights weights, long out) {
        return weights.take("bias", WeightForm.PLAIN, out);
    }

    /**
     * Applies the layer.
     *
     * @param ops what to compute with
     * @param x [..,in]
     * @return [..,out]
     */
    public Tensor forward(Ops ops, Tensor x) {
        return bias.isPresent() ? ops.linear(x, weight, bias.get()) : ops.linear(x, weight);
    }

    /**
     * Applies the layer and adds a residual.
     *
     * @param ops what to compute with
     * @param x [..,in]
     * @param residual [..,out]
     * @return [..,out]
     * @throws IllegalStateException if the layer has no bias: no model needs that sum
     */
    public Tensor forwardAdd(Ops ops, Tensor x, Tensor residual) {
        return ops.linearAdd(x, weight, requireBias(), residual);
    }

    /**
     * Applies the layer, then {@code a * gelu(b)} to its halves.
     *
     * @param ops what to compute with
     * @param x [..,in]
     * @return [..,out/2]
     * @throws IllegalStateException if the layer has no bias
     */
    public Tensor forwardGeglu(Ops ops, Tensor x) {
        return ops.linearGeglu(x, weight, requireBias());
    }

    private Tensor requireBias() {
        return bias.orElseThrow(
                () -> new IllegalStateException("linear layer " + weight + " has no bias"));
    }
}
