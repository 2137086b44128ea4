package dev.instaflow.train.evaluate.report;

/** What the measures are, in words, as they stand at the end of the page. */
final class Definitions {
    static final String HTML =
            """
            <dl>
            <dt>Distance (RMS)</dt><dd>Root of the mean squared difference of premultiplied red, green, blue, and of
            alpha, at 64 pixels unless another size is named; smaller pictures are averages over boxes. 0 is equal, 1 is
            the most. Distances are compared in whole numbers, so that ranks are exact.</dd>
            <dt>Found</dt><dd>The true pictures of all captions and styles are ordered by their distance to a sample; the
            right emoji is found if no (for “among five”: fewer than five) other emoji has a picture that is strictly
            nearer. Captions with a picture in common count as one emoji.</dd>
            <dt>PSNR, overlap, border, sharpness</dt><dd>Against the nearest true picture of the caption. PSNR is
            10 log<sub>10</sub>(1 / mean squared error), 100 at most. Overlap: pixels of alpha ½ and more in both, among
            those in one of the two. Border: mean of 1 − alpha in the outermost ring of pixels. Sharpness: mean squared
            difference of neighbouring pixels, divided by the truth's.</dd>
            <dt>Difference of seeds</dt><dd>Mean distance of all pairs of samples of a caption. 0: the seed does not
            matter.</dd>
            <dt>Styles</dt><dd>Only captions with several different pictures. The mean of the styles is what a model
            learns that is trained in one step on noise and pictures that do not belong together. Blend: the sample
            projected on the line between the two styles nearest to it; 0 at or beyond a style, 1 in the middle.</dd>
            <dt>One step against many</dt><dd>From the same noise, with the same guidance, in one Euler step and in many.
            Latents are on the network's own scale. “Forced” says that the model's card does not allow so many steps: such
            a model was trained at its first step alone, and the long way is a measurement, not a use of it.</dd>
            <dt>Straightness</dt><dd>Mean over time and over the latent's numbers of (z<sub>1</sub> − z<sub>0</sub> −
            v(z<sub>t</sub>, t))², along the long way; Liu et al. 2022, “Flow Straight and Fast”.</dd>
            <dt>Nearest training picture</dt><dd>For samples of held-out captions: the nearest among all pictures of
            captions that are not held out. The last line says how near the true pictures themselves are to one.</dd>
            <dt>Small grey numbers</dt><dd>A tenth of the samples is below the first, a tenth above the second.</dd>
            </dl>
            """;

    private Definitions() {}
}
