/**
 * From noise to latents: samplers, their schedules, guidance, noise and the hooks for image-to-image and
 * inpainting. The direction and scale of time are types here, because models disagree on both and a
 * wrong one gives a plausible blur instead of an error. Start reading at
 * {@link dev.instaflow.sampler.Sampler} and {@link dev.instaflow.sampler.Samplers}.
 */
package dev.instaflow.sampler;
