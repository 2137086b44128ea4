package dev.instaflow.train.objective;

import dev.instaflow.sampler.TimeLabelRule;
import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * k-step distillation: the teacher's way is cut at the times {@code i/k}, and from the teacher's state at the
 * beginning of a segment one step of the student leads to its state at the end: {@code target = (z[i+1] - z[i])
 * * k}. A student of k Euler steps then ends where the teacher does. k = 1 is one-step distillation. After Liu
 * et al. 2022, "Flow Straight and Fast", section 2.1 ("Distillation"), and the RectifiedFlow repository's integer
 * time schedules, which draw the beginnings as here but take them on the straight line from noise to data.
 *
 * @param rule what the network is told of the time
 * @param steps k, of the student
 */
public record SegmentDistillation(TimeLabelRule rule, int steps) implements Objective {
    /** Checks the number. */
    public SegmentDistillation {
        if (steps < 1) {
            throw new IllegalArgumentException(
                    "distillation to " + steps + " steps, expected at least 1");
        }
    }

    @Override
    public Problem draw(Examples examples, Function<Purpose, RandomStream> random) {
        List<float[]> states = states(examples);
        RandomStream timeStream = random.apply(Purpose.TIME);
        int[] segments = new int[examples.count()];
        for (int n = 0; n < segments.length; n++) {
            segments[n] = timeStream.index(steps);
        }
        return problem(segments, states);
    }

    /** From the noises to the data, {@code steps + 1} of them. */
    private List<float[]> states(Examples examples) {
        if (examples.noise().isEmpty() || examples.waypoints().size() != steps - 1) {
            throw new IllegalArgumentException(
                    "distillation to %d steps on examples with %s noise and %d states between; make pairs of %d segments"
                            .formatted(
                                    steps,
                                    examples.noise().isPresent() ? "their" : "no",
                                    examples.waypoints().size(),
                                    steps));
        }
        List<float[]> states = new ArrayList<>();
        states.add(examples.noise().get());
        states.addAll(examples.waypoints());
        states.add(examples.data());
        return states;
    }

    /**
     * The problem of given segments.
     *
     * @param segments N of them, in [0, {@link #steps})
     * @param states the teacher's, {@code steps + 1} arrays of N states
     * @return the problem
     */
    public Problem problem(int[] segments, List<float[]> states) {
        int size = states.get(0).length / segments.length;
        float[] state = new float[states.get(0).length];
        float[] target = new float[state.length];
        float[] labels = new float[segments.length];
        for (int n = 0; n < segments.length; n++) {
            // As samplers do it: steps of 1/k, labels in what a network that starts later knows.
            double time = (double) segments[n] / steps;
            labels[n] = rule.label(rule.firstTime() + time * (1 - rule.firstTime()));
            float[] from = states.get(segments[n]);
            float[] to = states.get(segments[n] + 1);
            for (int i = n * size; i < (n + 1) * size; i++) {
                state[i] = from[i];
                target[i] = steps * (to[i] - from[i]);
            }
        }
        // Only a whole way ends at a picture.
        Optional<float[]> left = Optional.empty();
        if (steps == 1) {
            float[] whole = new float[labels.length];
            Arrays.fill(whole, 1);
            left = Optional.of(whole);
        }
        return new Problem(state, labels, target, left);
    }

    @Override
    public String description() {
        return "distillation to " + steps + " steps with labels " + rule;
    }
}
