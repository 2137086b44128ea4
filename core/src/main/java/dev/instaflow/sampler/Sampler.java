package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;

/**
 * Makes latents from noise by calling a network a number of times. Immutable and thread-safe; made by
 * {@link Samplers#create}.
 */
public interface Sampler {
    /**
     * One run.
     *
     * @param ops owns the result and, while it runs, the states
     * @param denoiser the network, of the traits that the sampler was made for
     * @param request start and hooks
     * @return the latents
     * @throws IllegalArgumentException if the strength leaves no step to run
     * @throws IllegalStateException if the latents stop being finite numbers; the message names the
     *     step
     */
    SamplingResult sample(Ops ops, Denoiser denoiser, SamplingRequest request);

    /**
     * The steps that a run will report.
     *
     * @param strength of an image start, 1 for noise
     * @return at least 0; 0 where the sampler chooses them as it goes
     */
    int steps(double strength);
}
