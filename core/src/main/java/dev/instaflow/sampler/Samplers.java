package dev.instaflow.sampler;

/** Makes samplers: the only place where a model's traits and a user's wishes meet. */
public final class Samplers {
    private Samplers() {}

    /**
     * A sampler for models of these traits.
     *
     * @param traits from the model's card
     * @param settings which sampler, how many steps
     * @return immutable, thread-safe
     * @throws IllegalArgumentException if the sampler cannot work on the model's prediction, or there
     *     are more steps than the model was trained with
     */
    public static Sampler create(SamplingTraits traits, SamplerSettings settings) {
        settings.kind().requireAccepts(traits.prediction());
        return settings.kind() == SamplerKind.RK45
                ? new Rk45Sampler(traits.timeLabelRule(), settings)
                : new GridSampler(traits, settings);
    }
}
