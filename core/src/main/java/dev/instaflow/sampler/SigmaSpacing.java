package dev.instaflow.sampler;

/** How the noise levels of a sigma sampler follow from its labels. */
public enum SigmaSpacing {
    /** Each label has its own level. */
    OF_LABELS,
    /**
     * Levels evenly spaced in {@code sigma^(1/7)} between the first and the last; labels follow. Karras
     * et al. 2022, "Elucidating the Design Space of Diffusion-Based Generative Models", eq. 5.
     */
    KARRAS
}
