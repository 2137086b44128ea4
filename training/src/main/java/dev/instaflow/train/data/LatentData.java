package dev.instaflow.train.data;

import dev.instaflow.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Latents with the token ids of their captions, all of one shape, in memory; either all are pairs or
 * none is.
 *
 * @param sample the shape [h,w,C] of a latent
 * @param examples at least one
 */
public record LatentData(Shape sample, List<Example> examples) implements TrainingData {
    /**
     * One example.
     *
     * @param latent after the scale factor, [h,w,C]
     * @param noise the noise that a teacher made it of, [h,w,C], if it is a pair
     * @param waypoints states between noise and latent at even times, if the teacher's path was kept: k-1
     *     of them for k segments, each [h,w,C]
     * @param captions token ids, the first being the label; at least one
     */
    public record Example(
            float[] latent,
            Optional<float[]> noise,
            List<float[]> waypoints,
            List<int[]> captions) {
        /** Checks the captions. */
        public Example {
            waypoints = List.copyOf(waypoints);
            captions = List.copyOf(captions);
            if (captions.isEmpty()) {
                throw new IllegalArgumentException("an example without a caption");
            }
        }

        /**
         * An example whose path, if it has one, was not kept.
         *
         * @param latent after the scale factor, [h,w,C]
         * @param noise the noise that a teacher made it of, [h,w,C], if it is a pair
         * @param captions token ids, the first being the label; at least one
         */
        public Example(float[] latent, Optional<float[]> noise, List<int[]> captions) {
            this(latent, noise, List.of(), captions);
        }
    }

    /** Checks the sizes, and that all examples are of one kind. */
    public LatentData {
        examples = List.copyOf(examples);
        if (examples.isEmpty()) {
            throw new IllegalArgumentException("no examples to train on");
        }
        for (Example example : examples) {
            check("latent", example.latent(), sample);
            example.noise().ifPresent(noise -> check("noise", noise, sample));
            example.waypoints().forEach(state -> check("waypoint", state, sample));
        }
        long pairs = examples.stream().filter(example -> example.noise().isPresent()).count();
        if (pairs != 0 && pairs != examples.size()) {
            throw new IllegalArgumentException(
                    "%d of %d examples have a noise of their own; give all of them one, or none"
                            .formatted(pairs, examples.size()));
        }
    }

    private static void check(String what, float[] values, Shape sample) {
        if (values.length != sample.count()) {
            throw new IllegalArgumentException(
                    "a %s of %d values, expected %d as in %s"
                            .formatted(what, values.length, sample.count(), sample));
        }
    }

    @Override
    public int size() {
        return examples.size();
    }

    @Override
    public Example example(int number) {
        return examples.get(number);
    }

    @Override
    public String digest() {
        ContentDigest digest = new ContentDigest().add(sample).add(examples.size());
        for (Example example : examples) {
            digest.add(example.latent()).add(example.noise().orElse(new float[0]));
            digest.add(example.waypoints().size());
            example.waypoints().forEach(digest::add);
            digest.add(example.captions().size());
            example.captions().forEach(digest::add);
        }
        return digest.hex();
    }

    /**
     * Both together, as for two styles of the same captions.
     *
     * @param other latents of the same shape, pairs if these are
     * @return these examples, then the others
     */
    public LatentData and(LatentData other) {
        List<Example> all = new ArrayList<>(examples);
        all.addAll(other.examples);
        return new LatentData(sample, all);
    }
}
