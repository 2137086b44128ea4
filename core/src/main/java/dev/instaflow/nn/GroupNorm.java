package dev.instaflow.nn;

import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Tensor;

/** Group normalisation with a scale and a shift per channel, and an activation after it. */
public final class GroupNorm {
    private final GroupNormSpec spec;
    private final Tensor gamma;
    private final Tensor beta;

    private GroupNorm(GroupNormSpec spec, Tensor gamma, Tensor beta) {
        this.spec = spec;
        this.gamma = gamma;
        this.beta = beta;
    }

    /**
     * Takes the weights of a normalisation.
     *
     * @param weights has {@code weight} and {@code bias}, both [channels]
     * @param spec groups, eps and activation
     * @param channels a multiple of the groups
     * @return the layer
     */
    public static GroupNorm load(Weights weights, GroupNormSpec spec, long channels) {
        Tensor gamma = weights.take("weight", WeightForm.PLAIN, channels);
        return new GroupNorm(spec, gamma, weights.take("bias", WeightForm.PLAIN, channels));
    }

    Tensor gamma() {
        return gamma;
    }

    Tensor beta() {
        return beta;
    }

    /**
     * Applies the layer.
     *
     * @param ops what to compute with
     * @param x [N,H,W,C] or [N,T,C]
     * @return the shape of {@code x}
     */
    public Tensor forward(Ops ops, Tensor x) {
        return ops.groupNorm(spec, x, gamma, beta);
    }
}
