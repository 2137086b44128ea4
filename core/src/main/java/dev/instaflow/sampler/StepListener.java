package dev.instaflow.sampler;

/** Told after each step. Whatever it throws ends the run and reaches the caller: that cancels. */
@FunctionalInterface
public interface StepListener {
    /** Hears nothing. */
    StepListener NONE = progress -> {};

    /**
     * A step is done.
     *
     * @param progress where the run is
     */
    void onStep(SamplingProgress progress);
}
