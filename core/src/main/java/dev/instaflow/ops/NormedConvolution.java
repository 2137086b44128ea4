package dev.instaflow.ops;

import dev.instaflow.tensor.Tensor;

/**
 * A group norm, its activation and the convolution after it, which a backend may compute without ever
 * writing the normalised image.
 *
 * @param norm settings of the norm, the activation included
 * @param gamma [Ci]
 * @param beta [Ci]
 * @param conv geometry of the convolution
 * @param weight [Co,Ci,K,K], uploaded as {@link WeightForm.Conv} of {@code conv}
 * @param bias [Co]
 */
public record NormedConvolution(
        GroupNormSpec norm, Tensor gamma, Tensor beta, ConvSpec conv, Tensor weight, Tensor bias) {}
