package dev.instaflow.train.evaluate;

import dev.instaflow.sampler.Guidance;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.sampler.SamplerSettings;

/**
 * How pictures are drawn.
 *
 * @param sampler which, and in how many steps
 * @param guidance towards the caption
 */
public record Manner(SamplerSettings sampler, Guidance guidance) {
    /**
     * A sampler with its usual options.
     *
     * @param kind which
     * @param steps 1 to 1000
     * @param guidance scale; 1 and below are off
     * @return the manner
     */
    public static Manner of(SamplerKind kind, int steps, double guidance) {
        return new Manner(SamplerSettings.of(kind, steps), new Guidance(guidance));
    }
}
