package dev.instaflow.sampler;

import dev.instaflow.tensor.Tensor;
import java.util.List;

/**
 * What a run gives.
 *
 * @param latents [N,h,w,C], free of noise, owned by the scope of the run's {@code Ops}
 * @param evaluations network calls that each image needed; guidance counts as one
 */
public record SamplingResult(Tensor latents, List<Integer> evaluations) {
    /** Keeps a copy of the list. */
    public SamplingResult {
        evaluations = List.copyOf(evaluations);
    }
}
