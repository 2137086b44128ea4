package dev.instaflow.nn;

import dev.instaflow.ops.Ops;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Tensor;

/** Layer normalisation over the last dimension. */
public final class LayerNorm {
    private final Tensor gamma;
    private final Tensor beta;
    private final float eps;

    private LayerNorm(Tensor gamma, Tensor beta, float eps) {
        this.gamma = gamma;
        this.beta = beta;
        this.eps = eps;
    }

    /**
     * Takes the weights of a normalisation.
     *
     * @param weights has {@code weight} and {@code bias}, both [channels]
     * @param channels size of the last dimension
     * @param eps added to the variance
     * @return the layer
     */
    public static LayerNorm load(Weights weights, long channels, float eps) {
        Tensor gamma = weights.take("weight", WeightForm.PLAIN, channels);
        return new LayerNorm(gamma, weights.take("bias", WeightForm.PLAIN, channels), eps);
    }

    /**
     * Applies the layer.
     *
     * @param ops what to compute with
     * @param x [..,C]
     * @return the shape of {@code x}
     */
    public Tensor forward(Ops ops, Tensor x) {
        return ops.layerNorm(x, gamma, beta, eps);
    }
}
