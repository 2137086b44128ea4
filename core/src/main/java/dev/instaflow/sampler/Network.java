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

    /**
     * The derivative of a state by its {@link #position}: the noise by sigma, or the velocity by time.
     */
    Tensor slope(Ops ops, Tensor x, NoiseLevel level, float label) {
        return prediction == Prediction.FLOW
                ? output(ops, x, level, label)
                : noise(ops, x, level, label);
    }

    /** Where on the way a level is: the sigma of a diffusion, the time of a flow. */
    double position(NoiseLevel level) {
        return prediction == Prediction.FLOW ? level.signal() : level.noise();
    }

    /** Whether the network can be asked there: no label stands for a diffusion without noise. */
    boolean hasSlopeAt(NoiseLevel level) {
        return prediction == Prediction.FLOW || level.noise() > 0;
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
