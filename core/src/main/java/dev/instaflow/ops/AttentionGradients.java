package dev.instaflow.ops;

import dev.instaflow.tensor.Tensor;

/**
 * The gradients of an attention.
 *
 * @param q [N,T,C]
 * @param k [N,S,C]
 * @param v [N,S,C]
 */
public record AttentionGradients(Tensor q, Tensor k, Tensor v) {}
