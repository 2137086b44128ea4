package dev.instaflow.train.objective;

import dev.instaflow.sampler.NoiseSchedule;
import dev.instaflow.sampler.Prediction;
import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;
import java.util.Arrays;
import java.util.function.Function;

/**
 * Denoising as Stable Diffusion is trained: {@code x = sqrt(alphaBar) * data + sqrt(1-alphaBar) * eps} at a
 * uniformly drawn label 0..999; the target is eps (Ho et al. 2020) or {@code v = sqrt(alphaBar) * eps -
 * sqrt(1-alphaBar) * data} (Salimans and Ho 2022).
 */
public final class Diffusion implements Objective {
    private final double[] alphaBars;
    private final Prediction prediction;

    /**
     * The objective.
     *
     * @param schedule the noise of each label
     * @param prediction {@link Prediction#EPSILON} or {@link Prediction#V}
     */
    public Diffusion(NoiseSchedule schedule, Prediction prediction) {
        if (prediction == Prediction.FLOW) {
            throw new IllegalArgumentException(
                    "a flow is no diffusion: train it with RectifiedFlow");
        }
        this.alphaBars = schedule.alphaBars();
        this.prediction = prediction;
    }

    @Override
    public Problem draw(Examples examples, Function<Purpose, RandomStream> random) {
        RandomStream labelStream = random.apply(Purpose.TIME);
        int[] drawn = new int[examples.count()];
        for (int i = 0; i < drawn.length; i++) {
            drawn[i] = labelStream.index(alphaBars.length);
        }
        return problem(drawn, examples.data(), examples.noiseFrom(random));
    }

    @Override
    public String description() {
        return "diffusion that predicts %s on a schedule of %d labels (%08x)"
                .formatted(prediction.label(), alphaBars.length, Arrays.hashCode(alphaBars));
    }

    /**
     * The problem at given labels.
     *
     * @param drawn N labels of the schedule
     * @param data N latents
     * @param noise as many values
     * @return the problem
     */
    public Problem problem(int[] drawn, float[] data, float[] noise) {
        float[] state = new float[data.length];
        float[] target = new float[data.length];
        float[] labels = new float[drawn.length];
        int size = data.length / drawn.length;
        for (int n = 0; n < drawn.length; n++) {
            labels[n] = drawn[n];
            float signal = (float) Math.sqrt(alphaBars[drawn[n]]);
            float deviation = (float) Math.sqrt(1 - alphaBars[drawn[n]]);
            for (int i = n * size; i < (n + 1) * size; i++) {
                state[i] = signal * data[i] + deviation * noise[i];
                target[i] =
                        prediction == Prediction.V
                                ? signal * noise[i] - deviation * data[i]
                                : noise[i];
            }
        }
        return new Problem(state, labels, target);
    }
}
