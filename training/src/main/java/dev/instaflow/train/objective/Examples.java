package dev.instaflow.train.objective;

import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Some training examples.
 *
 * @param count N
 * @param data N latents, one after the other
 * @param noise the noises that belong to them, where they are pairs of a teacher; of the same length
 * @param waypoints states between noise and data at even times, where the teacher's paths are known: k-1
 *     arrays of N states for k segments
 */
public record Examples(int count, float[] data, Optional<float[]> noise, List<float[]> waypoints) {
    /** Checks the lengths. */
    public Examples {
        waypoints = List.copyOf(waypoints);
        boolean fits =
                count > 0
                        && data.length % count == 0
                        && waypoints.stream().allMatch(states -> states.length == data.length)
                        && noise.map(n -> n.length == data.length).orElse(true);
        if (!fits) {
            throw new IllegalArgumentException(
                    ("%d examples of %d values with %s values of noise; "
                                    + "expected at least one, of equal sizes, and as much noise or none")
                            .formatted(
                                    count,
                                    data.length,
                                    noise.map(n -> String.valueOf(n.length)).orElse("no")));
        }
    }

    /**
     * Examples of unknown paths.
     *
     * @param count N
     * @param data N latents, one after the other
     * @param noise the noises that belong to them, if any
     */
    public Examples(int count, float[] data, Optional<float[]> noise) {
        this(count, data, noise, List.of());
    }

    /**
     * Examples without noises of their own.
     *
     * @param count N
     * @param data N latents
     * @return the examples
     */
    public static Examples of(int count, float... data) {
        return new Examples(count, data, Optional.empty());
    }

    /** Their own noises, or fresh ones. */
    float[] noiseFrom(Function<Purpose, RandomStream> random) {
        return noise.orElseGet(() -> random.apply(Purpose.NOISE).normals(data.length));
    }
}
