package dev.instaflow.sampler;

import dev.instaflow.tensor.Tensor;

/**
 * What has been done of a run.
 *
 * @param step steps done, from 1
 * @param steps steps of the whole run; RK45 does not know and says {@code step}
 * @param label the label of the step's first network call; the first image's in RK45
 * @param done share of the way, in [0,1]
 * @param latents [N,h,w,C], the state after the step, on the sampler's own scale; alive during the
 *     call alone
 */
public record SamplingProgress(int step, int steps, float label, double done, Tensor latents) {}
