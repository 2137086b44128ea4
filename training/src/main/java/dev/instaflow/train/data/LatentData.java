package dev.instaflow.train.data;

import dev.instaflow.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Latents with the token ids of their captions, all of one shape, in memory.
 *
 * @param sample the shape [h,w,C] of a latent
 * @param examples at least one
 */
public record LatentData(Shape sample, List<Example> examples) {
    /**
     * One example.
     *
     * @param latent after the scale factor, [h,w,C]
     * @param noise the noise that a teacher made it of, if it is a pair
     * @param captions token ids, the first being the label; at least one
     */
    public record Example(float[] latent, Optional<float[]> noise, List<int[]> captions) {
        /** Checks the captions. */
        public Example {
            captions = List.copyOf(captions);
            if (captions.isEmpty()) {
                throw new IllegalArgumentException("an example without a caption");
            }
        }
    }

    /** Checks the sizes. */
    public LatentData {
        examples = List.copyOf(examples);
        if (examples.isEmpty()) {
            throw new IllegalArgumentException("no examples to train on");
        }
        for (Example example : examples) {
            if (example.latent().length != sample.count()
                    || example.noise().map(n -> n.length != sample.count()).orElse(false)) {
                throw new IllegalArgumentException(
                        "an example of %d values among latents %s"
                                .formatted(example.latent().length, sample));
            }
        }
    }

    /**
     * Both together, as for two styles of the same captions.
     *
     * @param other latents of the same shape
     * @return these examples, then the others
     */
    public LatentData and(LatentData other) {
        List<Example> all = new ArrayList<>(examples);
        all.addAll(other.examples);
        return new LatentData(sample, all);
    }
}
