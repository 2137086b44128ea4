package dev.instaflow.sampler;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.util.function.DoubleUnaryOperator;

/**
 * Data whose every element is normal and independent: the perfect denoiser and the whole path of the
 * ODE have closed forms. A state at a level has the mean {@code signal * mean} and the variance {@code
 * signal^2 deviation^2 + noise^2}, and along the ODE its standard score stays the same.
 */
record GaussianData(double mean, double deviation) {
    private static final DiffusionTime TIME = new DiffusionTime(NoiseSchedule.STABLE_DIFFUSION);

    /** The perfect network of these traits. */
    Denoiser denoiser(SamplingTraits traits) {
        return (ops, x, labels) -> {
            float[] in = ops.toArray(x);
            float[] out = new float[in.length];
            for (int i = 0; i < in.length; i++) {
                double label = labels[i / (in.length / labels.length)];
                out[i] = (float) output(traits, label, in[i]);
            }
            return ops.tensor("prediction", x.shape(), out);
        };
    }

    private double output(SamplingTraits traits, double label, double x) {
        NoiseLevel level = seenLevel(traits, label);
        double spread = spread(level);
        double score = (x - level.signal() * mean) / (spread * spread);
        double noise = level.noise() * score;
        double data = mean + level.signal() * deviation * deviation * score;
        return switch (traits.prediction()) {
            case EPSILON -> noise;
            case V -> level.signal() * noise - level.noise() * data;
            case FLOW -> data - noise;
        };
    }

    private double spread(NoiseLevel level) {
        return Math.hypot(level.signal() * deviation, level.noise());
    }

    /** Where the ODE leads from a state at one level to another level. */
    DoubleUnaryOperator path(NoiseLevel from, NoiseLevel to) {
        return x -> to.signal() * mean + spread(to) * (x - from.signal() * mean) / spread(from);
    }

    /** A network that knows the image in the states, and the noise where that stays the same. */
    static Denoiser knowing(SamplingTraits traits, Tensor image, Tensor noise) {
        return (ops, x, labels) -> {
            if (traits.prediction() == Prediction.FLOW) {
                return Network.sum(ops, new double[] {1, -1}, image, noise);
            }
            NoiseLevel level = seenLevel(traits, labels[0]);
            double[] weights = {1 / level.noise(), -level.signal() / level.noise()};
            return Network.sum(ops, weights, x, image);
        };
    }

    /** What the network of these traits is shown at a label. */
    static NoiseLevel seenLevel(SamplingTraits traits, double label) {
        return traits.prediction() == Prediction.FLOW
                ? NoiseLevel.flow(1 - label / 1000)
                : NoiseLevel.variancePreserving(TIME.alphaBar(label));
    }

    /** Noise of one seed, so that tests compare runs from the same start. */
    static Tensor noise(Ops ops, int images) {
        Shape shape = Shape.of(images, 3, 5, 4);
        return BatchNoise.of(NoiseSource.JAVA, 11, images).next(ops, shape);
    }
}
