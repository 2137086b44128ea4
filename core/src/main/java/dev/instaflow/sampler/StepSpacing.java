package dev.instaflow.sampler;

/**
 * How a diffusion sampler picks its labels among the training steps. For T = 1000 training steps and N
 * sampling steps, whichever the spacing, there are exactly N labels, in [0, T-1], falling. (CompVis'
 * own rule, a stride of {@code 1000 / N}, gives more than N where N does not divide 1000, or runs past
 * the table.)
 */
public enum StepSpacing {
    /**
     * Multiples of {@code floor(T / N)}, plus 1: Stable Diffusion's own DDIM and PLMS. Never visits
     * the noisiest labels. The 1 is left out where it would lead to label T.
     */
    LEADING,
    /** From T-1 to 0, both included; a single step is at label 0, as in diffusers. */
    LINSPACE,
    /** Downwards from T-1 in steps of {@code T / N}: the best choice for few steps. */
    TRAILING,
    /** {@code (T-1) * (1 - i/N)}, not rounded: the uniform times of the DPM-Solver program. */
    CONTINUOUS
}
