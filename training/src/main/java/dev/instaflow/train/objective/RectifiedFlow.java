package dev.instaflow.train.objective;

import dev.instaflow.sampler.TimeLabelRule;
import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;
import java.util.Optional;
import java.util.function.Function;

/**
 * The velocity of a straight line: {@code z = t * data + (1-t) * noise}, target {@code data - noise}.
 * Liu et al. 2022, "Flow Straight and Fast". Where examples bring their noise this is reflow, and at time
 * 0 alone it is one-step distillation with an L2 distance, as {@code noise + v} should be {@code data}.
 *
 * @param rule what the network is told of the time
 * @param times where it is trained
 */
public record RectifiedFlow(TimeLabelRule rule, TimeDistribution times) implements Objective {
    /**
     * One-step distillation of pairs; of data without noises it has the average of all data of a caption
     * as its answer.
     *
     * @param rule what the network is told of the time
     * @return the objective at the first time alone
     */
    public static RectifiedFlow oneStep(TimeLabelRule rule) {
        return new RectifiedFlow(rule, TimeDistribution.at(0));
    }

    @Override
    public Problem draw(Examples examples, Function<Purpose, RandomStream> random) {
        RandomStream timeStream = random.apply(Purpose.TIME);
        double[] drawn = new double[examples.count()];
        for (int i = 0; i < drawn.length; i++) {
            double first = rule.firstTime();
            drawn[i] = first + (1 - first) * times.draw(timeStream);
        }
        return problem(drawn, examples.data(), examples.noiseFrom(random));
    }

    @Override
    public String description() {
        return "rectified flow with labels " + rule + ", times " + times.description();
    }

    /**
     * The problem at given times.
     *
     * @param drawn N times in [0,1]
     * @param data N latents
     * @param noise as many values
     * @return the problem
     */
    public Problem problem(double[] drawn, float[] data, float[] noise) {
        float[] state = new float[data.length];
        float[] target = new float[data.length];
        float[] labels = new float[drawn.length];
        float[] left = new float[drawn.length];
        int size = data.length / drawn.length;
        for (int n = 0; n < drawn.length; n++) {
            labels[n] = rule.label(drawn[n]);
            float t = (float) drawn[n];
            left[n] = 1 - t;
            for (int i = n * size; i < (n + 1) * size; i++) {
                state[i] = t * data[i] + (1 - t) * noise[i];
                target[i] = data[i] - noise[i];
            }
        }
        return new Problem(state, labels, target, Optional.of(left));
    }
}
