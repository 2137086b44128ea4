package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;
import java.util.Arrays;

/** The denoiser of one run: scales its input, spreads the label over the batch, counts the calls. */
final class Network {
    private final Denoiser denoiser;
    private final Prediction prediction;
    private int calls;

    Network(Denoiser denoiser, Prediction prediction) {
        this.denoiser = denoiser;
        this.prediction = prediction;
    }

    /** The raw output for a state [N,h,w,C] at a level. */
    Tensor output(Ops ops, Tensor x, NoiseLevel level, float label) {
        float[] labels = new float[x.shape().intSize(0)];
        Arrays.fill(labels, label);
        calls++;
        double scale = prediction.inputScale(level);
        Tensor input = (float) scale == 1 ? x : sum(ops, new double[] {scale}, x);
        return denoiser.predict(ops, input, labels);
    }

    /** What an output means at this level. */
    Prediction prediction() {
        return prediction;
    }

    /** The noise that the network sees in a state. */
    Tensor noise(Ops ops, Tensor x, NoiseLevel level, float label) {
        Tensor output = output(ops, x, level, label);
        Prediction.Coefficients noise = prediction.noise(level);
        return sum(ops, new double[] {noise.state(), noise.output()}, x, output);
    }

    int calls() {
        return calls;
    }

    /** The sum of {@code weights[k] * xs[k]}, the same for all images. */
    static Tensor sum(Ops ops, double[] weights, Tensor... xs) {
        float[][] rows = new float[weights.length][1];
        for (int k = 0; k < weights.length; k++) {
            rows[k][0] = (float) weights[k];
        }
        return ops.combine(rows, xs);
    }
}
