package dev.instaflow.ops;

import dev.instaflow.tensor.Tensor;

/**
 * The gradients of a normalisation with a scale and a shift.
 *
 * @param x the shape of the input
 * @param gamma [C]
 * @param beta [C]
 */
public record NormGradients(Tensor x, Tensor gamma, Tensor beta) {}
