package dev.instaflow.pipeline;

import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.SamplerKind;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What to make. Whatever is left out comes from the model's card: {@code
 * GenerationRequest.of("красное сердце").withSeed(7).withCount(4)}. Immutable.
 *
 * @param prompt what the images show
 * @param negativePrompt what guidance leads away from; read only where guidance is on
 * @param sampling sampler, steps and guidance
 * @param size rows and columns; 0 for the card's
 * @param seeds where the noise comes from and how many images are made of it
 * @param initImage where image-to-image and inpainting start from
 * @param cardPolicy what happens if the request contradicts the model's card
 */
public record GenerationRequest(
        String prompt,
        String negativePrompt,
        Sampling sampling,
        Size size,
        Seeds seeds,
        Optional<InitImage> initImage,
        CardPolicy cardPolicy) {
    /** Most images of one request. */
    public static final int MOST_IMAGES = 10_000;

    /** What happens if a request contradicts the model's card. */
    public enum CardPolicy {
        /** It is refused. */
        OBEY,
        /** It is carried out: the caller knows better. */
        OVERRIDE
    }

    /**
     * How the latents are found.
     *
     * @param sampler the default of the model's prediction type where empty
     * @param steps number of steps, 1 to 1000
     * @param guidance guidance scale; 1 or less is off
     */
    public record Sampling(
            Optional<SamplerKind> sampler, OptionalInt steps, OptionalDouble guidance) {
        /** Checks the ranges. */
        public Sampling {
            if (steps.isPresent() && (steps.getAsInt() < 1 || steps.getAsInt() > 1000)) {
                throw new IllegalArgumentException(
                        "steps " + steps.getAsInt() + " is outside 1 to 1000");
            }
            if (guidance.isPresent()
                    && !(guidance.getAsDouble() >= 0 && guidance.getAsDouble() <= 100)) {
                throw new IllegalArgumentException(
                        "guidance " + guidance.getAsDouble() + " is outside 0 to 100");
            }
        }
    }

    /**
     * Rows and columns of the images, in pixels.
     *
     * @param width columns, or 0 for the card's
     * @param height rows, or 0 for the card's
     */
    public record Size(int width, int height) {
        /** Checks the signs. */
        public Size {
            if (width < 0 || height < 0) {
                throw new IllegalArgumentException("image size %dx%d".formatted(width, height));
            }
        }
    }

    /**
     * The noise that images start from. Image {@code i} has a stream of its own, of seed {@code first + i},
     * so it does not depend on how many are made.
     *
     * @param first seed of the first image
     * @param count number of images
     * @param source generator
     * @param noise used in place of the generator's, unit variance, one for each image
     */
    public record Seeds(long first, int count, NoiseSource source, Optional<Latents> noise) {
        /** Checks the count. */
        public Seeds {
            if (count < 1 || count > MOST_IMAGES) {
                throw new IllegalArgumentException(
                        "%d images; expected 1 to %d".formatted(count, MOST_IMAGES));
            }
            if (noise.isPresent() && noise.get().count() != count) {
                throw new IllegalArgumentException(
                        "noise %s for %d images".formatted(noise.get(), count));
            }
        }
    }

    /** Checks that nothing is {@code null}. */
    public GenerationRequest {
        Objects.requireNonNull(prompt, "prompt");
        Objects.requireNonNull(negativePrompt, "negativePrompt");
        Objects.requireNonNull(sampling, "sampling");
        Objects.requireNonNull(size, "size");
        Objects.requireNonNull(seeds, "seeds");
        Objects.requireNonNull(initImage, "initImage");
        Objects.requireNonNull(cardPolicy, "cardPolicy");
    }

    /**
     * One image of a prompt, all else as the model's card says, seed 0.
     *
     * @param prompt what the image shows
     * @return the request
     */
    public static GenerationRequest of(String prompt) {
        return new GenerationRequest(
                prompt,
                "",
                new Sampling(Optional.empty(), OptionalInt.empty(), OptionalDouble.empty()),
                new Size(0, 0),
                new Seeds(0, 1, NoiseSource.TORCH_CPU, Optional.empty()),
                Optional.empty(),
                CardPolicy.OBEY);
    }

    /**
     * What guidance leads away from.
     *
     * @param text the negative prompt
     * @return a changed copy
     */
    public GenerationRequest withNegativePrompt(String text) {
        return new GenerationRequest(prompt, text, sampling, size, seeds, initImage, cardPolicy);
    }

    /**
     * How the latents are found.
     *
     * @param sampler the sampler
     * @return a changed copy
     */
    public GenerationRequest withSampler(SamplerKind sampler) {
        return with(new Sampling(Optional.of(sampler), sampling.steps(), sampling.guidance()));
    }

    /**
     * The number of steps.
     *
     * @param steps 1 to 1000
     * @return a changed copy
     */
    public GenerationRequest withSteps(int steps) {
        return with(new Sampling(sampling.sampler(), OptionalInt.of(steps), sampling.guidance()));
    }

    /**
     * The guidance scale.
     *
     * @param guidance 1 or less is off
     * @return a changed copy
     */
    public GenerationRequest withGuidance(double guidance) {
        return with(
                new Sampling(sampling.sampler(), sampling.steps(), OptionalDouble.of(guidance)));
    }

    private GenerationRequest with(Sampling changed) {
        return new GenerationRequest(
                prompt, negativePrompt, changed, size, seeds, initImage, cardPolicy);
    }

    /**
     * The size of the images.
     *
     * @param width columns, a multiple of the model's factor
     * @param height rows, a multiple of the model's factor
     * @return a changed copy
     */
    public GenerationRequest withSize(int width, int height) {
        return new GenerationRequest(
                prompt,
                negativePrompt,
                sampling,
                new Size(width, height),
                seeds,
                initImage,
                cardPolicy);
    }

    /**
     * The seed of the first image; the next ones count up from it.
     *
     * @param seed any number
     * @return a changed copy
     */
    public GenerationRequest withSeed(long seed) {
        return with(new Seeds(seed, seeds.count(), seeds.source(), seeds.noise()));
    }

    /**
     * The number of images.
     *
     * @param count 1 to 10,000
     * @return a changed copy
     */
    public GenerationRequest withCount(int count) {
        return with(new Seeds(seeds.first(), count, seeds.source(), seeds.noise()));
    }

    /**
     * The generator of the noise.
     *
     * @param source the generator
     * @return a changed copy
     */
    public GenerationRequest withNoiseSource(NoiseSource source) {
        return with(new Seeds(seeds.first(), seeds.count(), source, seeds.noise()));
    }

    /**
     * Given noise in place of a generator's; sets the number of images to the noise's.
     *
     * @param noise unit variance, of the size of the latents
     * @return a changed copy
     */
    public GenerationRequest withNoise(Latents noise) {
        return with(new Seeds(seeds.first(), noise.count(), seeds.source(), Optional.of(noise)));
    }

    private GenerationRequest with(Seeds changed) {
        return new GenerationRequest(
                prompt, negativePrompt, sampling, size, changed, initImage, cardPolicy);
    }

    /**
     * Image-to-image, or inpainting if the start has a mask.
     *
     * @param start where to start from
     * @return a changed copy
     */
    public GenerationRequest withInitImage(InitImage start) {
        return new GenerationRequest(
                prompt, negativePrompt, sampling, size, seeds, Optional.of(start), cardPolicy);
    }

    /**
     * Whether the model's card may be contradicted.
     *
     * @param policy what to do then
     * @return a changed copy
     */
    public GenerationRequest withCardPolicy(CardPolicy policy) {
        return new GenerationRequest(
                prompt, negativePrompt, sampling, size, seeds, initImage, policy);
    }
}
