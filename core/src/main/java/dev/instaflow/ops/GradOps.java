package dev.instaflow.ops;

import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;

/**
 * The backward halves of {@link Ops} that are no compositions of {@link Ops} themselves. Each takes the
 * gradient of a loss with respect to a result ({@code dy}, the result's shape) and gives the gradient
 * with respect to an argument, in the argument's shape; gradients of packed weights come unpacked, in
 * the order of the file. Letters, owners and threads as in {@link Ops}.
 */
public interface GradOps {
    /**
     * {@link Ops#conv2d} with respect to its input.
     *
     * @param spec the geometry
     * @param x the shape [N,H,W,Ci] of the input
     * @param weight [Co,Ci,K,K], as the forward operation had it
     * @param dy [N,H',W',Co]
     * @return [N,H,W,Ci]
     */
    Tensor conv2dInput(ConvSpec spec, Shape x, Tensor weight, Tensor dy);

    /**
     * {@link Ops#conv2d} with respect to its kernel. The bias's gradient is {@link #channelSums}.
     *
     * @param spec the geometry
     * @param x [N,H,W,Ci]
     * @param dy [N,H',W',Co]
     * @return [Co,Ci,K,K]
     */
    Tensor conv2dWeight(ConvSpec spec, Tensor x, Tensor dy);

    /**
     * {@link Ops#linear(Tensor, Tensor)} with respect to its input: {@code dy W}.
     *
     * @param weight [Out,In], as the forward operation had it
     * @param dy [..,Out]
     * @return [..,In]
     */
    Tensor linearInput(Tensor weight, Tensor dy);

    /**
     * {@link Ops#linear(Tensor, Tensor)} with respect to its matrix: {@code dy^T x}.
     *
     * @param x [..,In]
     * @param dy [..,Out]
     * @return [Out,In]
     */
    Tensor linearWeight(Tensor x, Tensor dy);

    /**
     * The sums over all positions of a sample: the gradient of what was spread over them.
     *
     * @param dy [N,..,C]
     * @return [N,C]
     */
    Tensor channelSums(Tensor dy);

    /**
     * {@link Ops#groupNorm}, the activation after it included.
     *
     * @param spec groups, eps and activation
     * @param x [N,..,C]
     * @param gamma [C]
     * @param beta [C]
     * @param dy the shape of {@code x}
     * @return with respect to x, gamma and beta
     */
    NormGradients groupNorm(GroupNormSpec spec, Tensor x, Tensor gamma, Tensor beta, Tensor dy);

    /**
     * {@link Ops#layerNorm}.
     *
     * @param x [..,C]
     * @param gamma [C]
     * @param eps added to the variance
     * @param dy the shape of {@code x}
     * @return with respect to x, gamma and beta
     */
    NormGradients layerNorm(Tensor x, Tensor gamma, float eps, Tensor dy);

    /**
     * {@link Ops#attention}. The attention weights are computed again, not kept from the forward half.
     *
     * @param spec heads and mask
     * @param q [N,T,C]
     * @param k [N,S,C]
     * @param v [N,S,C]
     * @param dy [N,T,C]
     * @return with respect to q, k and v
     */
    AttentionGradients attention(AttentionSpec spec, Tensor q, Tensor k, Tensor v, Tensor dy);

    /**
     * {@link Ops#activation}.
     *
     * @param activation which
     * @param x any shape
     * @param dy the shape of {@code x}
     * @return the shape of {@code x}
     */
    Tensor activation(Activation activation, Tensor x, Tensor dy);

    /**
     * {@link Ops#geglu}.
     *
     * @param x [..,2F]
     * @param dy [..,F]
     * @return [..,2F]
     */
    Tensor geglu(Tensor x, Tensor dy);

    /**
     * {@link Ops#upsampleNearest}: each pixel gets the sum over those it was copied to.
     *
     * @param x the shape [N,H,W,C] of the input
     * @param dy [N,height,width,C]
     * @return [N,H,W,C]
     */
    Tensor upsampleNearest(Shape x, Tensor dy);

    /**
     * {@link Ops#gatherRows}: each row gets the sum over the places it was copied to.
     *
     * @param table the shape [V,E] of the table
     * @param ids row numbers, as many as {@code dy} has rows
     * @param dy [N,T,E]
     * @return [V,E]
     */
    Tensor gatherRows(Shape table, int[] ids, Tensor dy);
}
